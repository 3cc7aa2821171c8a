"""Texts of several lines on a real server: no node changes its state, its name or its place."""

from __future__ import annotations

import pytest

from tests.support.jobs import prepare_jobs, start_job
from tests.support.redis_server import health_of, records_of, status_of, verify_next
from tests.support.watched import NAME, Watched

IDS = {
    "sbatch": "Submitted batch job 4711\nsbatch: partition ok",
    "qsub": "4711.pbs\nendsuite",
    "forged": "12\ntask x\nendfamily\n# state:complete",
}
TRIGGERS = (
    "a == complete and\ntask == complete",
    "a == complete and\ntask eq complete and\nendfamily == complete",
    "a == complete\nand\ntask eq\ncomplete",
    "a == complete and\nfamily eq\ncomplete and\nendfamily\neq complete",
)
SEVERAL_LINES = "has several lines"


def load_jobs(watched: Watched) -> None:
    """Load a suite whose jobs have ids of several lines."""
    variables = prepare_jobs(watched.ecflow, *IDS)
    tasks = "".join(f"task {name}\n" for name in IDS)
    watched.ecflow.load_text(f"suite jobs\n{variables}{tasks}task last\ndefstatus complete\nendsuite\n")
    watched.ecflow.begin_suite("jobs")
    for name, rid in IDS.items():
        start_job(watched.ecflow, f"/jobs/{name}", rid)


def load_triggers(watched: Watched) -> list[str]:
    """Load a suite for triggers of several lines; return its paths."""
    names = ("a", "task", "eq", "family", "endfamily", "last")
    tasks = "".join(f"task {name}\n" for name in names)
    others = "".join(f"task b{number}\n" for number in range(len(TRIGGERS)))
    watched.ecflow.load_text(f"suite t\nfamily f\n{tasks}{others}endfamily\nendsuite\n")
    return ["/t", "/t/f", *(f"/t/f/{name}" for name in names), *(f"/t/f/b{n}" for n in range(len(TRIGGERS)))]


def set_triggers(watched: Watched) -> None:
    for number, text in enumerate(TRIGGERS):
        watched.ecflow.alter(f"/t/f/b{number}", "change", "trigger", text)


def statuses(watched: Watched, suite: str) -> dict[str, str]:
    found = status_of(watched.redis.client, NAME)
    assert found
    return {path: status for path, status in records_of(found) if path.split("/")[1] == suite}


@pytest.mark.parametrize("reader", ["auto", "protocol"])
def test_ids_of_jobs(loaded: Watched, reader: str) -> None:
    load_jobs(loaded)
    loaded.configure(reader=reader)
    expected = {"/jobs": "active", **{f"/jobs/{name}": "active" for name in IDS}, "/jobs/last": "complete"}
    for arguments in ((), (), ("--reset-sync", NAME)):
        assert loaded.watchman.collect(*arguments).code == 0
        assert statuses(loaded, "jobs") == expected


@pytest.mark.parametrize("reader", ["auto", "protocol"])
def test_triggers(loaded: Watched, reader: str) -> None:
    paths = load_triggers(loaded)
    loaded.configure(reader=reader)
    assert loaded.watchman.collect().code == 0
    before = statuses(loaded, "t")
    assert list(before) == paths
    set_triggers(loaded)
    for arguments in ((), ("--reset-sync", NAME)):
        assert loaded.watchman.collect(*arguments).code == 0
        assert list(statuses(loaded, "t").items()) == list(before.items())


@pytest.mark.parametrize("what", ["ids", "triggers"])
def test_verification_does_not_believe_a_cut_reading(loaded: Watched, what: str) -> None:
    """The bindings read the first line of each text, and lose or forge nodes."""
    if what == "ids":
        load_jobs(loaded)
    else:
        load_triggers(loaded)
        set_triggers(loaded)
    assert loaded.watchman.collect().code == 0
    verify_next(loaded.redis.client, NAME)
    before = status_of(loaded.redis.client, NAME)
    result = loaded.watchman.collect()
    assert (result.code, result.err) == (0, "")
    found = loaded.health()
    assert found["disabled"] is None
    assert found["verification"].startswith("not verified: ")
    assert records_of(status_of(loaded.redis.client, NAME) or {}) == records_of(before or {})


def test_id_of_two_lines_is_no_difference(loaded: Watched) -> None:
    """The bindings see the node without its state, and all others as they are."""
    variables = prepare_jobs(loaded.ecflow, "t")
    loaded.ecflow.load_text(f"suite jobs\n{variables}task t\ntask last\ndefstatus complete\nendsuite\n")
    loaded.ecflow.begin_suite("jobs")
    start_job(loaded.ecflow, "/jobs/t", "4711\ncalendar")
    assert loaded.watchman.collect().code == 0
    verify_next(loaded.redis.client, NAME)
    assert loaded.watchman.collect().code == 0
    found = loaded.health()
    assert found["disabled"] is None
    assert statuses(loaded, "jobs")["/jobs/t"] == "active"


@pytest.mark.parametrize("what", ["ids", "triggers"])
def test_cut_reading_of_the_bindings_is_not_written(loaded: Watched, what: str) -> None:
    paths = load_triggers(loaded)
    loaded.configure(reader="bindings")
    assert loaded.watchman.collect().code == 0
    if what == "ids":
        load_jobs(loaded)
    else:
        set_triggers(loaded)
    assert loaded.watchman.collect().code == 1
    assert list(statuses(loaded, "t")) == paths
    health = health_of(loaded.redis.client, NAME)
    assert health and health["error"]["kind"] == "protocol"


def test_text_with_two_meanings_is_not_written(loaded: Watched) -> None:
    """Neither reader can tell which nodes there are; the last good snapshot is kept."""
    assert loaded.watchman.collect().code == 0
    variables = prepare_jobs(loaded.ecflow, "t")
    loaded.ecflow.load_text(f"suite jobs\n{variables}task t\nendsuite\n")
    loaded.ecflow.begin_suite("jobs")
    start_job(loaded.ecflow, "/jobs/t", "12\ntask forged #")
    result = loaded.watchman.collect("--reset-sync", NAME)
    assert result.code == 1
    assert SEVERAL_LINES in result.err
    assert statuses(loaded, "jobs") == {}
