"""The table of `watchman list`: the worst first, and nothing broken on a narrow terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import pytest

from watchman_cli import Snapshot, StatusRecord, schema
from watchman_cli.deadlines import DeadlineState, Matches
from watchman_cli.health import Failure, Health
from watchman_cli.output.table import as_json, render
from watchman_cli.readback import StoredServer

NOW = datetime(2026, 11, 24, 12, 10, tzinfo=timezone.utc)
GOOD = Health(checked_time=NOW.isoformat(), ok=True)
REFUSED = Failure("refused", "login07.hpc.example.org:3141 refused the connection; is it running?")
FAILING = Health(checked_time=NOW.isoformat(), failures=12345, error=REFUSED)
WELL = [StatusRecord("/", "complete"), StatusRecord("/s", "complete")]
BAD = [
    StatusRecord("/", "aborted"),
    *(StatusRecord(f"/s{n}", "aborted") for n in range(4)),
    *(StatusRecord(f"/s3/f{n}", "aborted") for n in range(3)),
    *(StatusRecord(f"/s3/f2/t{n}", "aborted") for n in range(3)),
    *(StatusRecord(f"/c{n}", "complete") for n in range(12345)),
    *(StatusRecord(f"/q{n}", "queued") for n in range(123)),
]
LATE = [StatusRecord("/", "queued"), StatusRecord("/s", "queued", None, ("late",))]


def status(
    name: str,
    records: Sequence[StatusRecord] | None = WELL,
    age: float = 42.0,
    health: Health = GOOD,
    server: str = "RUNNING",
    error: str = "no snapshot",
) -> StoredServer:
    found = Snapshot(NOW, server, records) if records is not None else None
    summary = health.summary if health.checked_time else "its health record is not valid"
    read = NOW + timedelta(seconds=age)
    return StoredServer(name, read, found, None if found else error, health, summary)


def missed() -> Health:
    due = NOW - timedelta(hours=1)
    state = DeadlineState("/s complete by 06:00", due, "missed", "other", NOW, Matches(1, 1), misses=1)
    return Health(checked_time=NOW.isoformat(), ok=True, deadlines=(state,))


@pytest.mark.parametrize(
    ("found", "state", "why"),
    [
        (status("o/r"), "OK", "-"),
        (status("o/r", BAD), "CRITICAL", "8 aborted"),
        (status("o/r", LATE), "WARNING", "1 late"),
        (status("o/r", server="HALTED"), "CRITICAL", "server HALTED"),
        (status("o/r", age=1560), "UNKNOWN", "no run has read it since"),
        (status("o/r", None, error="no snapshot: gone"), "UNKNOWN", "no snapshot: gone"),
        (status("o/r", health=Health()), "UNKNOWN", "its health record is not valid"),
        (status("o/r", BAD, health=Health()), "CRITICAL", "8 aborted, its health record is not valid"),
        (status("o/r", health=FAILING), "WARNING", f"12345 runs failed: {REFUSED.message}"),
        (status("o/r", health=missed()), "CRITICAL", "1 of 1 deadline missed"),
    ],
)
def test_row_has_the_state_and_reasons_of_check(found: StoredServer, state: str, why: str) -> None:
    row = render([found], False, None).splitlines()[1]
    assert re.split(" {2,}", row)[:2] == ["o/r", state]
    assert re.split(" {2,}", row)[3] == why
    document = as_json(found)
    assert (document["state"], ", ".join(document["reasons"]) or "-") == (state, why)
    assert schema.is_valid("list", [document])


def test_the_worst_is_first_and_others_stay_in_their_order() -> None:
    found = [
        status("o/well"),
        status("o/late", LATE),
        status("o/also"),
        status("o/old", age=999),
        status("o/bad", BAD),
        status("o/halted", server="HALTED"),
    ]
    names = [line.split()[0] for line in render(found, False, None).splitlines()[1:]]
    assert names == ["o/bad", "o/halted", "o/old", "o/late", "o/well", "o/also"]


def test_root_causes_stand_before_all_nodes() -> None:
    row = render([status("o/r", BAD)], False, None).splitlines()[1]
    assert re.split(" {2,}", row)[3:] == ["8 aborted", "10 aborted, 123 queued, 12345 complete"]


LONG = "a_centre_for_medium_range_forecasts/production_suites_ensemble_01"


@pytest.mark.parametrize(
    "name", ["o/r", "nwp_production/grapes_gfs_gmf_run", LONG, "x" * 39 + "/" + "y" * 40]
)
@pytest.mark.parametrize("width", [80, 100, 132, 200])
@pytest.mark.parametrize("colour", [False, True])
def test_counts_and_names_are_not_broken(name: str, width: int, colour: bool) -> None:
    found = [status(name, BAD), status("o/dead", BAD, age=900, health=FAILING), status("o/well")]
    text = render(found, colour, width)
    plain = re.sub(r"\x1b\[[\d;]*m", "", text)
    lines = plain.splitlines()
    assert max(map(len, lines)) <= width
    for whole in (name, "8 aborted", "10 aborted", "123 queued", "12345 complete", "12345 runs", "15 min"):
        assert any(re.search(rf"(^|\s){whole}(,|\s|$)", line) for line in lines), whole
    assert text.count("\x1b[0m") == (3 + 8 if colour else 0)
    assert plain.index("8 aborted") < plain.index("10 aborted")


def test_a_wide_name_is_padded_by_its_columns() -> None:
    rows = render([status("气象/业务"), status("o/r")], False, None).splitlines()
    assert rows[1].startswith("气象/业务  OK") and rows[2].startswith("o/r        OK")


def test_each_state_is_in_a_colour_of_its_own() -> None:
    found = [status("o/a", BAD), status("o/b", age=999), status("o/c", LATE), status("o/d")]
    rows = render(found, True, 200).splitlines()[1:]
    colours = [re.findall(r"\x1b\[1;38;5;(\d+)m(\w+)\x1b\[0m", row) for row in rows]
    assert [each[0][1] for each in colours] == ["CRITICAL", "UNKNOWN", "WARNING", "OK"]
    assert len({each[0][0] for each in colours}) == 4


@pytest.mark.parametrize("width", [0, 1, 10, 30])
def test_counts_are_not_broken_on_a_narrow_terminal(width: int) -> None:
    text = render([status("o/r", BAD), status("o/dead", health=FAILING)], False, width)
    assert all(whole in text for whole in ("8 aborted", "10 aborted", "12345 complete", "12345 runs"))
