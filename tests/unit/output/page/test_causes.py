"""The page's causes: the worst first over all servers, and no server hides another one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchman_cli import Snapshot, StatusRecord
from watchman_cli.check import State, judge
from watchman_cli.deadlines import DeadlineState, Matches
from watchman_cli.errors import ErrorKind
from watchman_cli.health import Failure, Health
from watchman_cli.output.page.causes import LINES_SHOWN, MANY_NODES, Cause, find_causes, group_by_family
from watchman_cli.readback import StoredServer

NOW = datetime(2026, 11, 24, 12, 10, tzinfo=timezone.utc)
GOOD = Health(checked_time=NOW.isoformat(), ok=True)


def failing(host: str = "h", kind: ErrorKind = "refused") -> Health:
    return Health(NOW.isoformat(), failures=2, error=Failure(kind, f"{host} refused"))


def late(*paths: str) -> list[StatusRecord]:
    return [StatusRecord(path, "queued", None, ("late",)) for path in paths]


def aborted(*paths: str) -> list[StatusRecord]:
    return [StatusRecord(path, "aborted") for path in paths]


def status(
    name: str,
    records: Sequence[StatusRecord] | None = (),
    age: float = 42.0,
    health: Health = GOOD,
    server: str = "RUNNING",
) -> StoredServer:
    found = None if records is None else Snapshot(NOW, server, [StatusRecord("/", "queued"), *records])
    read = NOW + timedelta(seconds=age)
    return StoredServer(name, read, found, None if found else "no snapshot", health, health.summary)


def causes(*found: StoredServer) -> list[Cause]:
    return find_causes([(judge(each), 0 if each.snapshot else None) for each in found])[0]


def deadlines(*names: str) -> Health:
    due = NOW - timedelta(hours=1)
    states = tuple(
        DeadlineState(name, due, "missed", "other", NOW, Matches(1, 1), misses=1) for name in names
    )
    return Health(checked_time=NOW.isoformat(), ok=True, deadlines=states)


def test_the_worst_is_first_over_all_servers() -> None:
    found = causes(
        status("o/late", late("/s/a", "/s/b")),
        status("o/down", server="SHUTDOWN"),
        status("o/old", aborted("/s"), age=999),
        status("o/aborted", aborted("/s/t")),
        status("o/missed", health=deadlines("/s complete by 06:00")),
        status("o/dead", aborted("/s"), age=999, health=failing()),
        status("o/halted", server="HALTED"),
        status("o/flaky", health=failing()),
        status("o/well"),
    )
    assert [(each.title, each.state.name, each.rank) for each in found] == [
        ("o/dead", "CRITICAL", "server"),
        ("o/halted", "CRITICAL", "server"),
        ("o/missed", "CRITICAL", "deadline"),
        ("o/aborted", "CRITICAL", "node"),
        ("o/old", "UNKNOWN", "server"),
        ("o/old", "UNKNOWN", "old"),
        ("o/dead", "UNKNOWN", "old"),
        ("o/down", "WARNING", "server"),
        ("o/flaky", "WARNING", "server"),
        ("o/late", "WARNING", "node"),
        ("o/late", "WARNING", "node"),
    ]


@pytest.mark.parametrize(
    "first",
    [
        late(*(f"/s/t{n}" for n in range(110))),
        late(*(f"/s/f{n}/t" for n in range(110))),
        late(*(f"/s{n}/f/t" for n in range(300))),
        aborted(*(f"/s{n}/f/t" for n in range(300))),
        aborted(*(f"/s/f{n}/g/t{m}" for n in range(50) for m in range(50))),
    ],
)
def test_no_server_hides_another(first: list[StatusRecord]) -> None:
    found, more = find_causes(
        [
            (judge(status("o/first", first)), 0),
            (judge(status("o/second", aborted("/ops/model/forecast"))), 0),
        ]
    )
    assert "/ops/model/forecast" in [each.path for each in found[:2]]
    assert len(found) <= LINES_SHOWN
    assert sum(each.count for each in found) + more == len(first) + 1


def test_each_of_very_many_servers_is_there() -> None:
    found = causes(*(status(f"o/r{n}", aborted(f"/s{n}/t", f"/x{n}/t")) for n in range(300)))
    assert [each.title for each in found] == [f"o/r{n}" for n in range(300)]


def lines(*paths: str) -> dict[str, int]:
    return {group.path: len(group.members) for group in group_by_family(paths)}


def test_a_family_that_has_many_is_one_line() -> None:
    few, many = [f"/s/f/t{n}" for n in range(MANY_NODES)], [f"/s/g/t{n}" for n in range(MANY_NODES + 1)]
    assert lines(*few) == dict.fromkeys(few, 1)
    assert lines(*many) == {"/s/g": MANY_NODES + 1}
    assert lines(*many, "/s/x", "/u/t") == {"/s/g": MANY_NODES + 1, "/s/x": 1, "/u/t": 1}
    assert lines(*few, *many) == {"/s/f": MANY_NODES, "/s/g": MANY_NODES + 1}
    assert lines("/s/g", *many) == {"/s/g": MANY_NODES + 2}  # it is late itself
    assert lines(*(f"/s/f{n}/t" for n in range(MANY_NODES + 1))) == {"/s": MANY_NODES + 1}
    assert lines(*(f"/s{n}/t" for n in range(30))) == {f"/s{n}/t": 1 for n in range(30)}


NAMES = st.sampled_from(["a", "b", "c", "d"])
PATHS = st.lists(NAMES, min_size=1, max_size=5).map(lambda names: "/" + "/".join(names))


@given(st.lists(PATHS, unique=True, max_size=200))
def test_every_node_is_in_one_line(paths: list[str]) -> None:
    found = group_by_family(paths)
    assert sorted(member for group in found for member in group.members) == list(range(len(paths)))
    for group in found:
        assert all(f"{paths[each]}/".startswith(f"{group.path}/") for each in group.members)
    assert len(found) <= 4 * MANY_NODES  # of four suites


def test_one_path_on_many_servers_is_one_line() -> None:
    servers = [status(f"o/r{n}", aborted("/s/f/t")) for n in range(12)]
    (cause,) = causes(*servers)
    assert (cause.title, cause.named, cause.more) == ("12 servers", tuple(f"o/r{n}" for n in range(8)), 4)
    assert (cause.path, cause.count, cause.record, cause.state) == ("/s/f/t", 12, None, State.CRITICAL)
    assert len(causes(*servers[:3])) == 3
    old = [status(f"o/old{n}", aborted("/s/f/t"), age=999) for n in range(12)]
    assert [(each.rank, each.count) for each in causes(*servers, *old)] == [
        ("node", 12),
        ("server", 12),
        ("old", 12),
    ]


def test_one_problem_of_many_servers_is_one_line() -> None:
    dead = [status(f"o/r{n}", None, health=failing(f"host{n}")) for n in range(12)]
    hung = [status(f"o/h{n}", None, health=failing("same", "no answer")) for n in range(4)]
    found = causes(*dead, *hung, status("o/halted", server="HALTED"))
    assert [each.text for each in found] == [
        "runs fail (refused)",
        "no snapshot; 2 runs failed: same refused",
        "server HALTED",
    ]
    stopped = causes(*(status(f"o/r{n}", age=999) for n in range(120)))
    assert [(each.text, len(each.servers)) for each in stopped] == [("no run has read it since", 120)]


def test_many_deadlines_of_a_server_are_one_line() -> None:
    names = [f"/s{n} complete by 06:00" for n in range(MANY_NODES + 1)]
    assert [each.text for each in causes(status("o/r", health=deadlines(*names)))] == [
        "11 of 11 deadlines missed"
    ]
    few = causes(status("o/r", health=deadlines(*names[:2])))
    assert [each.text.partition(":")[0] for each in few] == ["/s0 complete by 06", "/s1 complete by 06"]


def test_nothing_of_servers_that_are_ok() -> None:
    assert causes(status("o/a"), status("o/b")) == [] == causes()


def test_a_deadline_leads_to_its_node_if_it_names_one() -> None:
    found = causes(
        status("o/r", late("/s1"), health=deadlines("/s1 complete by 06:00", "/s* complete by 06:00"))
    )
    assert [(each.index, each.nodes) for each in found if each.rank == "deadline"] == [(1, (1,)), (None, ())]
    many = causes(
        *(status(f"o/r{n}", aborted("/s"), health=deadlines("/s complete by 06:00")) for n in range(4))
    )
    assert [(each.rank, each.index, each.nodes) for each in many] == [("deadline", None, ()), ("node", 1, ())]


def test_a_line_has_the_indices_of_all_its_nodes() -> None:
    paths = [f"/s/t{n}" for n in range(MANY_NODES + 1)]
    (line,) = causes(status("o/r", aborted(*paths)))
    assert line.nodes == tuple(range(1, MANY_NODES + 2))
    (line,) = causes(status("o/r", aborted("/s")))
    assert line.nodes == (1,) == (line.index,)
