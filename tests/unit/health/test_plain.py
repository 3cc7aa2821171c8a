"""A record that is recognised without the schema fits the schema."""

from __future__ import annotations

import copy
from typing import Any, get_args

import orjson
import pytest

from tests.unit.health.test_record import FULL, RECORD, TIME
from watchman_cli import health, schema
from watchman_cli.causes.model import Notices
from watchman_cli.health import plain
from watchman_cli.health.plain import is_plain

WELL = FULL._replace(
    ok=True, failures=0, failing_since=None, error=None, disabled=None, deadlines=(), began_time=TIME
)
DOCUMENT: dict[str, Any] = orjson.loads(health.encode(WELL))
PLACES = [(name,) for name in DOCUMENT] + [("sync", name) for name in DOCUMENT["sync"]]
VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 1.0, 1.5, -1.5, (1 << 53) - 1, 1 << 53, 1e300, float("inf"), float("nan"),
    "", "x", TIME, f"{TIME}\n", f" {TIME}", TIME.replace("2", "\N{ARABIC-INDIC DIGIT TWO}"),
    "2026-11-25T20:00:00Z", "2026-11-25T20:00:00", "unchanged", "incremental", "full", "fast",
    [], [1], {}, {"complete": 1}, {"complete": -1}, {"complete": True}, {"complete": None}, {"mode": "full"},
]  # fmt: skip


@pytest.mark.parametrize(
    "record",
    [
        RECORD,
        WELL._replace(counts=None, nodes=None, mode=None),
        *(WELL._replace(mode=mode) for mode in get_args(health.Mode)),
    ],
)
def test_record_of_a_server_that_is_well(record: health.Health) -> None:
    document = orjson.loads(health.encode(record))
    assert is_plain(document) and schema.is_valid("health", document)


@pytest.mark.parametrize("place", PLACES, ids=".".join)
def test_value_that_is_recognised_fits_the_schema(place: tuple[str, ...]) -> None:
    plainly = []
    for value in VALUES:
        document = copy.deepcopy(DOCUMENT)
        part = document["sync"] if len(place) == 2 else document
        part[place[-1]] = value
        plainly.append(is_plain(document))
        assert schema.is_valid("health", document) or not plainly[-1]
    assert any(plainly) == (place != ("sync",)) and not all(plainly)


@pytest.mark.parametrize("place", PLACES, ids=".".join)
def test_value_that_is_missing(place: tuple[str, ...]) -> None:
    document = copy.deepcopy(DOCUMENT)
    del (document["sync"] if len(place) == 2 else document)[place[-1]]
    assert is_plain(document) == (place == ("began_time",))


@pytest.mark.parametrize(
    "document", [None, [], "x", {}, {**DOCUMENT, "x": 1}, {**DOCUMENT, "sync": {"x": 1}}]
)
def test_other_documents_are_not_recognised(document: Any) -> None:
    assert not is_plain(document)


@pytest.mark.parametrize(
    "record",
    [
        WELL._replace(error=FULL.error),
        WELL._replace(deadlines=FULL.deadlines),
        WELL._replace(disabled=FULL.disabled),
        WELL._replace(reported_failure=health.ReportedFailure(("refused",), TIME, 1, "refused")),
        WELL._replace(notices=Notices()),
    ],
)
def test_record_of_a_failure_or_a_deadline_is_left_to_the_schema(record: health.Health) -> None:
    document = orjson.loads(health.encode(record))
    assert schema.is_valid("health", document) and not is_plain(document)


def test_times_are_those_of_the_schema() -> None:
    assert plain._TIME.pattern == schema.load("health")["$defs"]["time"]["pattern"]
