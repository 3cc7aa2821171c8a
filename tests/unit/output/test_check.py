"""The output of `check`: the state, the reasons, and the performance data."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.stored_servers import FAILING, GOOD, IDLE, NOW, SUITE, status, thresholds
from watchman_cli.check import Assessment, State, assess, assess_deadlines
from watchman_cli.deadlines import DeadlineState, Matches
from watchman_cli.health import Health
from watchman_cli.output.check import NAMED, NODES_SHOWN, nodes_for_each, nodes_shown, render
from watchman_cli.readback import StoredServer
from watchman_cli.snapshot import StatusRecord


def test_root_causes_come_after_the_first_line() -> None:
    text = render([assess(status(SUITE), thresholds())], thresholds(), together=False)
    assert text.splitlines() == [
        "WATCHMAN CRITICAL - o/r: 1 aborted, 1 late, collected 42 s ago | "
        "aborted=1;;0;0; late=1;0;;0; queued=2;;;0; active_for=7800s;;;0; age=42s;;;0;",
        "/s/f/t: aborted for 2 h 10 min, task_aborted",
        "/s/g/runs: active for 2 h 10 min, late",
    ]


def test_all_is_well() -> None:
    text = render([assess(status(IDLE), thresholds())], thresholds(), together=False)
    assert text.startswith("WATCHMAN OK - o/r: 0 aborted, 0 late, collected 42 s ago | aborted=0;")
    assert "\n" not in text


@pytest.mark.parametrize(
    ("found", "state", "words"),
    [
        (status(IDLE), State.OK, "0 aborted"),
        (status(IDLE, server="HALTED"), State.CRITICAL, "server HALTED"),
        (status(IDLE, server="SHUTDOWN"), State.WARNING, "server SHUTDOWN"),
        (status(IDLE, health=FAILING), State.WARNING, "2 runs failed: it / fails"),
        (status(IDLE, age=181, health=FAILING), State.CRITICAL, "2 runs failed: it / fails"),
        (status(IDLE, age=181), State.UNKNOWN, "no run has read it since, collected 3 min 1 s ago"),
        (status(SUITE, age=181), State.UNKNOWN, "no run has read it since"),
        (status(IDLE, age=-181), State.UNKNOWN, "in the future"),
        (status(None, health=Health()), State.UNKNOWN, "no snapshot"),
        (status(None, health=FAILING), State.CRITICAL, "no snapshot; 2 runs failed"),
    ],
)
def test_a_server_that_cannot_be_judged_by_its_nodes(found: StoredServer, state: State, words: str) -> None:
    assessment = assess(found, thresholds())
    assert assessment.state is state
    line = render([assessment], thresholds(), together=False).splitlines()[0]
    assert line.startswith(f"WATCHMAN {state.name} - o/r: ") and words in line
    assert line.count("|") <= 1


def test_many_causes_are_cut() -> None:
    many = [
        StatusRecord("/", "aborted"),
        *(StatusRecord(f"/s{i}", "aborted") for i in range(NODES_SHOWN + 2)),
    ]
    lines = render([assess(status(many), thresholds())], thresholds(), together=False).splitlines()
    assert len(lines) == 1 + NODES_SHOWN + 1
    assert lines[-1] == "and 2 more"


def test_several_servers_are_reported_together() -> None:
    found = [assess(status(IDLE), thresholds()), assess(status(None, health=Health()), thresholds())]
    assert render(found, thresholds(), together=True).splitlines() == [
        "WATCHMAN UNKNOWN - 2 servers: 1 OK, 1 UNKNOWN: o/r (no snapshot) | 'o/r aborted'=0;;0;0; "
        "'o/r late'=0;0;;0; 'o/r queued'=0;;;0; 'o/r active_for'=0s;;;0; 'o/r age'=42s;;;0;",
        "UNKNOWN: o/r: no snapshot",
        "OK: o/r: 0 aborted, 0 late, collected 42 s ago",
    ]


def many(count: int, bad: int, name: str = "owner_{0:03}/repository_{0:03}") -> list[Assessment]:
    """Return so many servers, of which the last ones are aborted, and the very last is dead."""
    good, aborted, dead = (
        assess(each, thresholds()) for each in (status(IDLE), status(SUITE), status(None, health=FAILING))
    )
    found = [good] * (count - bad) + [aborted] * (bad - 1) + [dead]
    return [
        replace(each, stored=replace(each.stored, server=name.format(number)))
        for number, each in enumerate(found)
    ]


@pytest.mark.parametrize(("count", "bad"), [(1, 1), (10, 3), (120, 1), (120, 100), (1000, 3)])
@pytest.mark.parametrize("name", ["o/r{}", "owner_{0:03}/repository_{0:03}", "o" * 199 + "{0}/" + "r" * 200])
def test_a_monitoring_core_takes_the_first_line(count: int, bad: int, name: str) -> None:
    found = many(count, bad, name)
    first, *rest = render(found, thresholds(), together=True).splitlines()
    assert len(first.encode()) < 5000
    words, _, data = first.partition(" | ")
    assert len(words) < NAMED + 150
    if len(name) < 100:
        assert f": {found[count - bad].stored.server}" in words
    assert re.fullmatch(r"(('[^'=|]+'|[a-z_]+)=\d+s?;[\d:~@]*;[\d:~@]*;0;( |$))*", data)
    states = [line.partition(":")[0] for line in rest if line.startswith(("OK: ", "CRITICAL: "))]
    assert states == ["CRITICAL"] * bad + ["OK"] * (count - bad)


def test_the_servers_that_are_not_ok_are_named_first() -> None:
    words = render(many(120, 3), thresholds(), together=True).split(" | ")[0]
    assert words == (
        "WATCHMAN CRITICAL - 120 servers: 117 OK, 3 CRITICAL: owner_117/repository_117 (1 aborted), "
        "owner_118/repository_118 (1 aborted), "
        "owner_119/repository_119 (no snapshot; 2 runs failed: it / fails)"
    )
    words = render(many(120, 16), thresholds(), together=True).split(" | ")[0]
    assert ": owner_104/repository_104, owner_105" in words and words.endswith(", owner_119/repository_119")
    words = render(many(120, 60), thresholds(), together=True).split(" | ")[0]
    assert words.endswith(", owner_082/repository_082 and 37 more")


def test_the_performance_data_of_many_servers_is_of_all_together() -> None:
    data = render(many(120, 20), thresholds(), together=True).splitlines()[0].split(" | ")[1]
    assert data == (
        "servers_ok=100;;;0; servers_warning=0;;;0; servers_critical=20;;;0; servers_unknown=0;;;0; "
        "aborted=19;;;0; late=19;;;0; queued=38;;;0; active_for=7800s;;;0; age=42s;;;0;"
    )


def test_no_label_of_many_deadlines_is_there_twice() -> None:
    due = NOW - timedelta(hours=1)
    state = DeadlineState("/s complete by 06:00", due, "missed", "other", NOW, Matches(1, 1), misses=1)
    record = GOOD._replace(deadlines=(state,))
    found = [
        assess_deadlines(replace(status(IDLE, health=record), server=f"owner_{n:03}/repository_{n:03}"))
        for n in range(120)
    ]
    data = render(found, thresholds(), together=True).splitlines()[0].split(" | ")[1]
    assert data == (
        "servers_ok=0;;;0; servers_warning=0;;;0; servers_critical=120;;;0; servers_unknown=0;;;0; "
        "missed=120;;;0; unknown=0;;;0; age=42s;;;0;"
    )


def test_the_form_of_the_performance_data_does_not_depend_on_values() -> None:
    def labels(found: list[Assessment]) -> list[str]:
        data = render(found, thresholds(), together=True).splitlines()[0].split(" | ")[1]
        return sorted(re.findall(r"(?:^| )('[^']*'|[^ =]+)=", data))

    for count in range(10, 60):
        well = [replace(each, server=f"o/r{number}") for number, each in enumerate([status(IDLE)] * count)]
        late = [replace(each, read_time=each.read_time + timedelta(seconds=137)) for each in well]
        assert labels([assess(each, thresholds()) for each in well]) == labels(
            [assess(each, thresholds()) for each in late]
        )


def reason_lines(reason: str) -> list[str]:
    assessments = [assess(status(SUITE), thresholds())]
    return render(assessments, thresholds(), False, {"o/r": {"/s/f/t": reason}}).splitlines()


def test_the_reason_of_an_abort_is_in_the_nodes_line() -> None:
    assert reason_lines("no disk")[1] == "/s/f/t: aborted for 2 h 10 min, task_aborted: no disk"


@pytest.mark.parametrize("reason", ["a|b\nc\x1b[31m\u202ed\r", "\n", "x" * 100_000])
def test_a_hostile_reason_is_one_short_safe_line(reason: str) -> None:
    lines = reason_lines(reason)
    assert len(lines) == 3 and len(lines[1]) < 200
    assert lines[1].isprintable() and "|" not in lines[1] and "".join(lines).count("|") == 1


def test_the_nodes_that_are_shown() -> None:
    found = assess(status(SUITE), thresholds())
    nodes, others = nodes_shown(found, 1)
    assert ([node.path for node in nodes], others) == (["/s/f/t"], 1)
    assert nodes_for_each([found] * 4) == NODES_SHOWN // 4 and nodes_for_each([found] * 100) == 1
