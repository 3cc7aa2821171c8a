"""Secrets are masked before anything is kept, whatever way they come."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.unit.details.definitions import Kept, base_of, mementos
from watchman_cli.details.changed import encode
from watchman_cli.details.fields import decompress
from watchman_cli.details.generated import expand, generated_variables, lookup
from watchman_cli.details.policy import HIDDEN, SECRET_NAMES, USUAL, Policy
from watchman_cli.sync.cache import FORMAT
from watchman_cli.waits.evaluate import evaluate
from watchman_cli.waits.parse import parse

POLICY = Policy(secret_names=["Ftp"])
PARTS = ("pass", "PASSWORD", "Token", "secret", "KEY", "Credential", "credentials", "ftp", "FTP")


def names(count: int) -> Iterator[str]:
    """Yield names of secrets, in any case, with something before and after."""
    pick = random.Random(21)
    for number in range(count):
        part = "".join(pick.choice((str.upper, str.lower))(letter) for letter in pick.choice(PARTS))
        yield f"{pick.choice(('', 'DB_', 'x'))}{part}{pick.choice(('', '_1', 'S'))}{number}"


def secret(number: int) -> str:
    return f"hidden{number:03}hidden"


def everything(kept: Kept) -> str:
    """Return all that is in the store, as text."""
    stored = [lines for value in kept.base.fields.values() for lines in decompress(value).values()]
    return "\n".join([*stored, *(encode(parts).decode() for parts in kept.parts.values())])


def test_of_200_secrets_none_is_kept() -> None:
    found = list(names(200))
    lines = [*(f"edit {found[n]} '{secret(n)}' # server" for n in range(20)),
             *(f"edit {found[n]} '{secret(n)}'" for n in range(20, 40)), "suite s"]  # fmt: skip
    lines += [f"  edit {found[n]} '{secret(n)} # not a comment \"'" for n in range(40, 80)]
    lines += [f'  edit {found[n]} "it\'s {secret(n)}\\nof two lines"' for n in range(80, 100)]
    for n in range(100, 140):
        kind = ("string", "enumerated", "datelist", "integer")[n % 4]
        value = f"10{n} 10{n} 1 # {n}" if kind == "integer" else f'"{secret(n)}" "{secret(n)}" # 1'
        lines += [
            f"  task t{n} # passwd:{secret(n)} rid:7 try:1 state:active",
            f"    repeat {kind} {found[n]} {value}",
        ]
    kept = Kept(base_of(*lines, "endsuite", policy=POLICY), POLICY)
    for n in range(140, 160):
        kept.change(mementos("/s", ("NodeVariableMemento", {"var_": {"n_": found[n], "v_": secret(n)}})))
    environment = [{"n_": found[n], "v_": secret(n)} for n in range(160, 180)]
    kept.change(mementos("/", ("ServerVariableMemento", {"serverEnv_": environment})))
    for n in range(180, 200):
        data = {"value0": {"name_": found[n]}, "theStrings_": [secret(n)]}
        type_ = {
            "polymorphic_id": 0x80000064,
            "polymorphic_name": "RepeatString",
            "ptr_wrapper": {"data": data},
        }
        kept.change(mementos("/s/t100", ("NodeRepeatMemento", {"repeat_": {"type_": type_}})))
        kept.change(mementos("/s/t101", ("SubmittableMemento", {"paswd_": secret(n), "rid_": "8"})))
    stored = everything(kept)
    assert "hidden" not in stored
    assert all(name in stored for name in (found[0], found[30], found[50], found[90], found[110], found[150]))
    assert all(name in stored for name in (found[170], found[199]))


def test_a_value_that_comes_without_its_name_is_not_kept_either() -> None:
    kept = Kept(base_of("suite s", "task t", "repeat integer API_KEY 1000 2000 # 1234", "endsuite"))
    kept.change(mementos("/s/t", ("NodeRepeatIndexMemento", {"index_or_value_": 1357})))
    assert "1357" not in everything(kept)
    node = kept.tree().node("/s/t")
    assert node
    assert list(node.lines) == ['repeat string API_KEY "***"']
    kept.change(mementos("/s/t", clear=True))
    type_ = {"polymorphic_id": 0x80000064, "polymorphic_name": "RepeatInteger",
             "ptr_wrapper": {"data": {"value0": {"name_": "STEP"}, "start_": 1, "end_": 9}}}  # fmt: skip
    kept.change(mementos("/s/t", ("NodeRepeatMemento", {"repeat_": {"type_": type_}})))
    kept.change(mementos("/s/t", ("NodeRepeatIndexMemento", {"index_or_value_": 5})))
    node = kept.tree().node("/s/t")
    assert node
    assert list(node.lines) == ["repeat integer STEP 1 9 # 5"]


@pytest.mark.parametrize("name", ["V", "PAS", "TOKE", "KE", "FTP"])
def test_other_names_are_kept_as_they_are(name: str) -> None:
    line = f"edit {name} 'a PASSWORD'"
    assert Policy().kept(f'suite s\n  {line}\n  repeat string {name} "a key"') == (
        f'suite s\n  {line}\n  repeat string {name} "a key"'
    )


def test_a_text_that_names_a_secret_is_expanded_from_the_mask() -> None:
    kept = Kept(base_of(
        "edit SERVER_TOKEN 'hidden1' # server", "suite s", "edit DB_PASSWORD 'hidden2'",
        "edit ECF_OUT '/out/%DB_PASSWORD%'", "edit COMMAND 'x %SERVER_TOKEN% %API_KEY%'", "task t",
        'repeat string API_KEY "hidden3"', "endsuite",
    ))  # fmt: skip
    tree = kept.tree()
    node = tree.node("/s/t")
    assert node
    assert expand(tree, node, "%COMMAND%") == f"x {HIDDEN} %API_KEY%"
    assert lookup(tree, node, "API_KEY") == HIDDEN
    assert lookup(tree, node, "ECF_PASS") == HIDDEN
    assert generated_variables(tree, node)["ECF_JOBOUT"] == f"/out/{HIDDEN}/s/t.0"


def test_a_masked_number_in_a_trigger_cannot_be_told() -> None:
    kept = Kept(base_of("suite s", "edit API_KEY '5'", "repeat integer KEY 1 9 # 5", "task t", "endsuite"))
    tree = kept.tree()
    node = tree.node("/s/t")
    assert node
    for text in ("/s:API_KEY == 5", "/s:KEY == 5"):
        assert evaluate(tree, node, parse(text)).holds is None


def test_variable_of_the_server_stays_one_if_it_is_masked() -> None:
    assert Policy().kept("x\nedit A_KEY 'v' # server\nedit B_KEY 'v'") == (
        f"x\nedit A_KEY '{HIDDEN}' # server\nedit B_KEY '{HIDDEN}'"
    )


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("task t # rid:7", "task t"),
        ("task t # rid:7 abort<:no # disk>abort try:1 state:aborted", "task t # try:1 state:aborted"),
        ("alias a # rid:7 state:aborted", "alias a # state:aborted"),
    ],
)
def test_text_of_a_job_that_is_not_wanted_is_cut_out(line: str, kept: str) -> None:
    assert Policy(["labels"]).kept(f"suite s\n{line}\nlabel l 'x'") == f"suite s\n{kept}\nlabel l 'x'"


def test_lines_are_changed_only_if_a_text_has_a_secret() -> None:
    policy, text = Policy(), "suite s\nedit my_Token 'x'"
    may_change = policy.may_change(text, 0)
    assert may_change("edit MY_TOKEN 'x'") and not may_change("edit V 'x'") and not may_change("edit KEY 'x'")
    assert not policy.may_change(text, len("suite s\ne"))("edit MY_TOKEN 'x'")
    assert not policy.may_change("suite token\nlabel token 'token'\nedit V 'key'", 0)("edit MY_TOKEN 'x'")
    assert Policy(["labels"]).may_change("suite s", 0)("suite s")


@pytest.mark.parametrize(
    "line",
    [
        "edit A_KEY 'x'",
        "  edit  A_KEY 'x'",
        "edit edit_KEY 'x'",
        'repeat string KEY "x"',
        ' repeat  enumerated  aKey "x" "y"',
        "edit KEYS",
        "edit \u017f\u212aEY 'x'",
        "edit grüße_à\x85_key 'x'",
    ],
)
def test_any_name_of_a_secret_is_found_among_bytes(line: str) -> None:
    text = f"task edit\n{line}\nendsuite".encode().decode("latin-1")
    assert Policy().may_change(text, 0)(line)


@pytest.mark.parametrize("name", ["V_KEY", "V.KEY", "K.YKEY", "KEY"])
@pytest.mark.parametrize("line", ["edit {} 'x'", " edit  {} 'x'", 'repeat  string {} "x"', "edit {}"])
def test_a_secret_is_found_wherever_the_sample_of_a_large_text_ends(
    line: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = "".join(f"edit V{number} 'x'\nrepeat string K.Y \"x\"\nedit V 'x'\n" for number in range(USUAL))
    text = f"suite s\n{usual}{line.format(name)}\n{usual}"
    for size in range(len(text) + 1):
        monkeypatch.setattr("watchman_cli.details.policy.SAMPLE", size)
        assert Policy().may_change(text, 0)("edit KEY 'x'")
        assert not Policy().may_change(text, text.index(name) + len(name))("edit KEY 'x'")


def test_the_usual_names_of_a_large_text_are_secrets_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchman_cli.details.policy.SAMPLE", 20)
    assert Policy().may_change("suite s\n" + "edit A_KEY 'x'\n" * 10, 0)("edit KEY 'x'")


def test_names_are_compared_in_any_case_of_any_language() -> None:
    policy = Policy(secret_names=["straße"])
    assert policy.kept("task t\nedit Straße 'x'") == "task t\nedit Straße '***'"
    assert policy.kept("task t\nedit STRASSE 'x'") == "task t\nedit STRASSE '***'"


def test_new_secret_names_come_with_a_new_format_of_the_sync_cache() -> None:
    """Or details stay that were masked without them: the cache says only which names are configured."""
    assert (SECRET_NAMES, FORMAT) == (("PASS", "TOKEN", "SECRET", "KEY", "CREDENTIAL"), 5)


def test_a_line_that_is_indented_is_of_its_kind() -> None:
    lines = 'suite s\n  edit V \'x\'\n label l "a"\n   task t # state:queued\n    label m "b"'
    assert Policy(["labels"]).kept(lines) == lines.replace("\n  edit V 'x'", "")
