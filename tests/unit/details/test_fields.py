"""A definition into fields, and back into nodes."""

from __future__ import annotations

import zlib

import pytest

from tests.unit.details.definitions import base_of, definition
from watchman_cli.details import KeptDetails, fields
from watchman_cli.details.fields import Base, decompress, replace_details
from watchman_cli.details.policy import Policy
from watchman_cli.details.stored import DetailsUpdate
from watchman_cli.ecflow_client.work import Work

TREE = (
    "edit ECF_HOME '/h' # server",
    "suite s # begun:1 state:active",
    "  calendar initTime:2026-Nov-24 00:00:00",
    "  edit SUITE_WIDE 'a'",
    "  family f",
    "    task t # state:aborted",
    '      label l "x\\ny"',
    "      alias alias0",
    "        edit A 'a b'",
    "      endalias",
    "    endtask",
    "    task u",
    "  endfamily",
    "endsuite",
    "suite z",
    "endsuite",
)


def families(fields: dict[str, bytes]) -> list[tuple[str, str]]:
    return [each for value in fields.values() for each in decompress(value).items()]


def test_whether_a_node_has_taken_its_tokens_is_not_kept() -> None:
    """The server does not send a change of it."""
    lines = (
        "inlimit -n lim # incremented:1",
        "label l 'inlimit -n x # incremented:1'",
        "inlimit -n o # incremented:1",
    )
    found = base_of("suite s", "family f", *lines, "endfamily", "endsuite").fields
    kept = dict(families(found))["/s/"].split("\n")
    assert [line.strip() for line in kept] == ["family f", "inlimit -n lim", lines[1], "inlimit -n o"]


@pytest.mark.parametrize("wanted", [Policy(), Policy(["job"]), Policy(secret_names=["x"])])
def test_the_password_of_a_job_is_not_kept(wanted: Policy) -> None:
    lines = ("task t # passwd:xyzzy rid:7 state:active", "alias a # passwd:plugh state:active", "endalias")
    found = base_of("suite s", *lines, "endtask", "task u # state:active", "endsuite", policy=wanted).fields
    kept = repr(families(found))
    assert "task t # rid:7 state:active" in kept and "alias a # state:active" in kept
    assert "passwd" not in kept and "xyzzy" not in kept and "plugh" not in kept


def test_a_field_a_parent_and_one_of_the_server() -> None:
    found = base_of(*TREE).fields
    assert list(found) == ["server", "/", "/s/", "/s/f/"]
    assert {family: [line.strip() for line in lines.split("\n")] for family, lines in families(found)} == {
        "server": ["defs_state NET state>:queued state_change:5 modify_change:3",
                   "edit ECF_HOME '/h' # server"],
        "kinds": ["*"],
        "/": ["suite s # begun:1 state:active", "calendar initTime:2026-Nov-24 00:00:00",
              "edit SUITE_WIDE 'a'", "suite z"],
        "/s/": ["family f"],
        "/s/f/": ["task t # state:aborted", 'label l "x\\ny"', "task u"],
        "/s/f/t/": ["alias alias0", "edit A 'a b'"],
    }  # fmt: skip


@pytest.mark.parametrize(("together", "checks"), [(3, 3), (4, 2)])
def test_clock_is_looked_at_every_few_fields(
    monkeypatch: pytest.MonkeyPatch, together: int, checks: int
) -> None:
    """At the beginning, before the first of four families, and then before each third or fourth one."""

    class Counted(Work):
        checks = 0

        def check(self, stage: str | None = None) -> None:
            self.checks += 1

    work = Counted()
    monkeypatch.setattr(fields, "_TOGETHER", together)
    monkeypatch.setattr(fields, "FIELD_SIZE", 0)
    assert len(fields.make_base(definition(*TREE), Policy(), work).fields) == 5
    assert work.checks == checks


@pytest.mark.parametrize("value", [b"no zlib", zlib.compress(b"{")])
def test_message_about_a_damaged_field_has_nothing_of_it(value: bytes) -> None:
    with pytest.raises(ValueError, match=r"^it is damaged$"):
        decompress(value)


def test_a_field_that_would_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fields, "LIMIT", 1000)
    with pytest.raises(ValueError, match=r"^it is damaged, or too large$"):
        decompress(zlib.compress(b"a" * 2000))


def test_kinds_that_are_not_wanted_are_not_kept() -> None:
    lines = (
        "edit ECF_HOME '/h' # server", "suite s # begun:1", "calendar initTime:x", "edit V 'a'",
        'label l "b"',
        "task t # rid:17 abort<:why>abort try:2 state:aborted", "time 10:00", "aviso --name a", "endsuite",
    )  # fmt: skip
    assert dict(families(base_of(*lines, policy=Policy(["labels"])).fields)) == {
        "server": "defs_state NET state>:queued state_change:5 modify_change:3",
        "kinds": "labels",
        "/": 'suite s # begun:1\ncalendar initTime:x\nlabel l "b"',
        "/s/": "task t # try:2 state:aborted",
    }
    job = dict(families(base_of(*lines, policy=Policy(["job"])).fields))["/s/"]
    assert job == "task t # rid:17 abort<:why>abort try:2 state:aborted"
    everything = dict(families(base_of(*lines).fields))["/s/"]
    assert everything.split("\n")[1:] == ["time 10:00", "aviso --name a"]


@pytest.mark.parametrize(
    ("family", "names"), [("/", ["/"]), ("/s/", ["/s/", "/"]), ("/s/f/g/", ["/s/f/g/", "/s/f/"])]
)
def test_fields_in_which_a_family_may_be(family: str, names: list[str]) -> None:
    assert fields.fields_of(family) == names


def test_each_family_is_in_one_of_its_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fields, "FIELD_SIZE", 20)
    packed = fields._packed(
        {"/": ["123"], "/a/": ["1234567890"], "/b/": [], "/c/": ["123456789"], "/d/": ["1"]}
    )
    assert packed == {"/": ["/", "/a/", "/c/"], "/d/": ["/d/"]}


def test_kinds_are_named_in_their_order() -> None:
    found = dict(families(base_of("suite s", "endsuite", policy=Policy(["meters", "labels"])).fields))
    assert found["kinds"] == "labels meters"


def test_secret_repeats_are_noted_in_each_family() -> None:
    lines = (
        "suite s", "  repeat enumerated MY_TOKEN a b", "family f", "task t", "repeat string PASSWORD x",
        "task u", "repeat integer N 1 2", "task v", "repeat string SECRET_WORD y", "endfamily", "endsuite",
    )  # fmt: skip
    assert sorted(base_of(*lines).hidden_repeats) == ["/s", "/s/f/t", "/s/f/v"]


def test_a_full_reading_replaces_everything() -> None:
    signature = ["labels", "", "ftp"]
    update, life, after = replace_details(signature, None, "r2 t2", Base({"/": b"x"}, ["/s/c", "/s/b"]))
    assert update == DetailsUpdate("r2 t2", {"/": b"x"}, {})
    assert life == "keep"  # the new hashes do not expire
    assert after == KeptDetails(signature, "r2 t2", None, ["/s/b", "/s/c"])
    _, life, after = replace_details(signature, 60, "r2 t2", Base({}, []))
    assert (life, after.expire) == ("set", 60)
