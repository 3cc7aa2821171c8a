"""Stored details against what the bindings write: what is a difference, and that no value shows."""

from __future__ import annotations

import pytest

from tests.unit.details.definitions import Kept, base_of, definition, mementos
from watchman_cli.details import compare
from watchman_cli.details.compare import NotComparable, find_difference
from watchman_cli.details.policy import Policy
from watchman_cli.ecflow_client import TooSlow
from watchman_cli.ecflow_client.work import Work

SERVER = ["edit ECF_HOME '/home' # server", "edit SITE 'one'"]
NODES = [
    "suite s # state:aborted dur:00:00:05 flag:late",
    " edit V 'a  b'",
    " clock real",
    " calendar initTime:2026-May-06 17:20:00 suiteTime:2026-May-06 17:20:00",
    " family f # state:aborted",
    "  limit disk 10 # 2 /s/f/t /s/f/u",
    "  task t # rid:4711 abort<:no \\n more>abort try:2 state:aborted dur:00:00:07 flag:late,message",
    "   edit DB_PASSWORD 'hunter2'",
    '   label info "a" # "b"',
    "   trigger -a u == complete # free",
    "   trigger -o u:e",
    "   meter m 0 100 50 # 7",
    "   time +00:05 # relativeDuration/00:01:00",
    "   inlimit -n disk",
    "   day monday",
    "   verify complete:1",
    "   alias alias0 # state:queued",
    "    edit A 'x'",
    "   endalias",
    "  endtask",
    "  task u # state:complete suspended:1",
    " endfamily",
    "endsuite",
]
PATHS = ["/s", "/s/f", "/s/f/t", "/s/f/t/alias0", "/s/f/u"]
ALL = Policy()


def written(*changes: tuple[str, str], server: tuple[tuple[str, str], ...] = ()) -> str:
    """Return the definition as the bindings write it, with other texts in place of some."""
    lines = ["#5.9.9", "defs_state MIGRATE state>:aborted server_state:RUNNING", *SERVER, *NODES, "# enddef"]
    text = "\n".join(line.strip() for line in lines) + "\n"
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def kept(policy: Policy = ALL) -> Kept:
    return Kept(base_of(*SERVER, *NODES, policy=policy), policy)


def difference(*changes: tuple[str, str], policy: Policy = ALL, skipped: tuple[str, ...] = ()) -> str | None:
    return find_difference(kept(policy).tree(), written(*changes), PATHS, policy, skipped)


@pytest.mark.parametrize("policy", [ALL, Policy(["labels", "job"]), Policy(["labels"]), Policy((), ["info"])])
def test_equal_details(policy: Policy) -> None:
    assert difference(policy=policy) is None


DIFFERENT = {
    "a variable": (("edit V 'a  b'", "edit V 'a  c'"), "'edit V' of /s"),
    "a missing variable": (("edit V 'a  b'\n", ""), "'edit V' of /s"),
    "an added variable": (("edit A 'x'", "edit A 'x'\nedit B 'x'"), "'edit B' of /s/f/t/alias0"),
    "a label": (('# "b"', '# "c"'), "'label info' of /s/f/t"),
    "a label's first text": (('"a" #', '"z" #'), "'label info' of /s/f/t"),
    "a limit": (("# 2 /s/f/t /s/f/u", "# 1 /s/f/t"), "'limit disk' of /s/f"),
    "a meter": (("# 7", "# 8"), "'meter m' of /s/f/t"),
    "the parts of a trigger": (
        ("-a u == complete # free\ntrigger -o u:e", "-o u:e\ntrigger -a u == complete # free"),
        "'trigger' of /s/f/t",
    ),
    "a longer trigger": ((" # free", " or u == aborted # free"), "'trigger' of /s/f/t"),
    "another trigger": (("u == complete", "u == aborted"), "'trigger' of /s/f/t"),
    "a missing trigger": (("trigger -a u == complete # free\n", ""), "'trigger' of /s/f/t"),
    "a freed trigger": ((" # free", ""), "'trigger' of /s/f/t"),
    "a time": (("+00:05", "+00:06"), "'time +00:05' of /s/f/t"),
    "a freed day": (("day monday", "day monday # free"), "'day monday' of /s/f/t"),
    "a clock": (("clock real", "clock hybrid"), "'clock' of /s"),
    "a job": (("4711", "4712"), "job id of /s/f/t"),
    "a reason": (("more>", "less>"), "reason of /s/f/t"),
    "a try": (("try:2", "try:3"), "try number of /s/f/t"),
    "the flags": (("late,message", "late"), "flags of /s/f/t"),
    "the state below a suspension": (("complete suspended:1", "queued suspended:1"), "state of /s/f/u"),
    "a suspension": ((" suspended:1", ""), "suspended of /s/f/u"),
    "a variable of the server": (("SITE 'one'", "SITE 'two'"), "'edit SITE' of the server"),
    "a missing variable of the server": (("edit SITE 'one'\n", ""), "'edit SITE' of the server"),
    "the server's state": (("server_state:RUNNING", "server_state:HALTED"), "state of the server"),
    "the server's flags": (("state:RUNNING", "state:RUNNING flag:late"), "flags of the server"),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_a_difference_names_the_attribute_and_its_node(what: str) -> None:
    change, named = DIFFERENT[what]
    assert difference(change) == named


SAME = {
    "the calendar": ("suiteTime:2026-May-06 17:20:00", "suiteTime:2026-May-06 17:29:00"),
    "a relative time": ("relativeDuration/00:01:00", "relativeDuration/00:02:00"),
    "since when": ("dur:00:00:07", "dur:00:00:09"),
    "blanks": ("'a  b'", "'a b'"),
    "a date that is none": ("day monday", "day monday # date:not-a-date-time"),
    "tokens that are taken": ("inlimit -n disk", "inlimit -n disk # incremented:1"),
    "a count of nothing": ("verify complete:1", "verify complete:1 # 0"),
    "the order of attributes": (
        "meter m 0 100 50 # 7\ntime +00:05 # relativeDuration/00:01:00",
        "time +00:05\nmeter m 0 100 50 # 7",
    ),
    "the order of flags": ("late,message", "message,late"),
    "a secret": ("hunter2", "hunter3"),
    "a job's password": ("# rid:4711", "# passwd:xyzzy rid:4711"),
}


@pytest.mark.parametrize("what", SAME)
def test_what_is_no_difference(what: str) -> None:
    assert difference(SAME[what]) is None


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("rid:4711 and more try:1 state:active", "rid:4711 try:1 state:active"),
        ("rid:7 abort<:x >abort y>abort state:aborted", "rid:7 abort<:x >abort state:aborted"),
        ("rid:7 abort<:rid:5>abort state:aborted", "rid:rid:5>abort abort<:rid:5>abort state:aborted"),
        ("rid:7 abort<:x try:4>abort state:aborted", "rid:7 abort<:x try:4>abort try:4 state:aborted"),
    ],
)
def test_what_the_bindings_read_in_another_way_of_a_job_is_not_compared(line: str, read: str) -> None:
    tree = Kept(base_of("suite s", f"task t # {line}", "edit V 'x'", "endsuite")).tree()
    text = "#5.9.9\ndefs_state MIGRATE\nsuite s\ntask t # {}\nedit V '{}'\nendsuite\n# enddef\n"
    paths = ["/s", "/s/t"]
    assert find_difference(tree, text.format(read, "x"), paths, ALL) is None
    assert find_difference(tree, text.format(read, "y"), paths, ALL) == "'edit V' of /s/t"
    read = read.replace("state:active", "state:aborted") if "active" in read else f"{read} suspended:1"
    assert find_difference(tree, text.format(read, "x"), paths, ALL) in ("state of /s/t", "suspended of /s/t")


def test_nodes_that_changed_are_not_compared() -> None:
    change = ("edit V 'a  b'", "edit V 'x'")
    assert difference(change, skipped=("/s",)) is None
    assert difference(change, ("SITE 'one'", "SITE 'two'"), skipped=("/s", "/")) is None
    assert difference(change, ("# 7", "# 8"), skipped=("/s",)) == "'meter m' of /s/f/t"


def test_a_change_since_the_full_reading_is_part_of_it() -> None:
    found = kept()
    label = {"n_": "info", "v_": "a", "new_v_": "said"}
    found.change(mementos("/s/f/t", ("NodeLabelMemento", {"label_": label})))
    assert find_difference(found.tree(), written(), PATHS, ALL) == "'label info' of /s/f/t"
    assert find_difference(found.tree(), written(('# "b"', '# "said"')), PATHS, ALL) is None


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ('label hash "a" # "b # c"', 'label hash "a" # "c"'),
        ('label hash "a # b"', 'label hash "b"'),
        ("edit HASH 'it is # more'", "edit HASH ''it'"),
        ("trigger 1 == 0   or 1 == 0", "trigger 1 == 0"),
        ("complete 1 == 0 or 1 == 0 # free", "complete 1 == 0"),
    ],
)
def test_a_value_that_the_bindings_cut_is_not_compared(line: str, read: str) -> None:
    tree = Kept(base_of("suite s", line, "edit V 'x'", "endsuite")).tree()
    text = "#5.9.9\ndefs_state MIGRATE\nsuite s\n{}\nedit V '{}'\nendsuite\n# enddef\n"
    assert find_difference(tree, text.format(read, "x"), ["/s"], ALL) is None
    assert find_difference(tree, text.format(read, "y"), ["/s"], ALL) == "'edit V' of /s"
    assert find_difference(tree, text.format("", "x"), ["/s"], ALL), "a missing one is a difference"


def test_variable_of_the_server_that_the_bindings_cut_is_not_compared() -> None:
    tree = Kept(base_of("edit V 'it is # more'")).tree()
    text = "#5.9.9\ndefs_state MIGRATE\nedit V ''it'\n# enddef\n"
    assert find_difference(tree, text, [], ALL) is None


def test_a_hash_of_the_bindings_alone_is_a_difference() -> None:
    assert difference(("'a  b'", "'a # b'")) == "'edit V' of /s"


@pytest.mark.parametrize(
    "text",
    [
        "",
        written(("task u #", "task v #")),
        written(("task u # state:complete suspended:1\n", "")),
        "x\n" * 9,
    ],
)
def test_a_text_of_other_nodes_is_not_compared(text: str) -> None:
    with pytest.raises(NotComparable, match=r"^the bindings wrote other nodes than they read$"):
        find_difference(kept().tree(), text, PATHS, ALL, ("/",))


def test_a_node_that_is_not_stored_is_a_difference() -> None:
    tree = Kept(base_of("suite s", "family f", "endfamily", "endsuite")).tree()
    assert find_difference(tree, written(), PATHS, ALL, ("/", "/s", "/s/f")) == "all of /s/f/t"


def test_a_server_without_suites() -> None:
    tree = Kept(base_of(*SERVER)).tree()
    lines = "\n".join(["#5.9.9", "defs_state MIGRATE", *SERVER, "# enddef", "history /s x"])
    assert find_difference(tree, lines, [], ALL) is None


def test_a_text_is_the_same_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "CHUNK", 1)
    assert difference() is None
    assert difference(("# 7", "# 8")) == "'meter m' of /s/f/t"


def test_bytes_are_read_as_they_were_stored() -> None:
    lines = ["suite s", "edit V 'stra\u00dfe'", "endsuite"]
    tree = Kept(base_of(*lines)).tree()
    text = "\n".join(["#5.9.9", "defs_state MIGRATE", *lines, "# enddef"]).encode().decode("latin-1")
    assert definition(*lines).lines
    assert find_difference(tree, text, ["/s"], ALL) is None


def test_a_name_that_a_terminal_would_obey_is_shown_escaped() -> None:
    found = difference(("edit A 'x'", "edit A 'x'\nedit \x1b[31m 'x'"))
    assert found == "'edit \\x1b[31m' of /s/f/t/alias0"


def test_it_ends_at_the_deadline() -> None:
    with pytest.raises(TooSlow):
        find_difference(kept().tree(), written(), PATHS, ALL, (), Work(0.0))
