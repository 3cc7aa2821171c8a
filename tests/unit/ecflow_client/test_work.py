"""Each stage of decoding looks at the clock, often enough to end by the deadline."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.unit.ecflow_client.replies import definition, delta, full, member, memento, reply
from watchman_cli import snapshot
from watchman_cli.ecflow_client import Changes, NodeChange, TooSlow, Work
from watchman_cli.ecflow_client.changes import parse_changes
from watchman_cli.ecflow_client.definition import CHUNK, parse_definition
from watchman_cli.ecflow_client.replies import decode_reply
from watchman_cli.ecflow_client.spanning import LOOKED_AT_TOGETHER, join_lines
from watchman_cli.snapshot import Records, StatusRecord, join_records
from watchman_cli.sync.patch import patch
from watchman_cli.sync.records import TOGETHER, encode_records, states_under_suspended


class Counted(Work):
    """Work that counts the looks at the clock, and ends at one of them."""

    def __init__(self, ends_at: float = float("inf")) -> None:
        super().__init__()
        self.looks, self._ends_at = 0, ends_at

    def require(self, seconds: float) -> None:
        self.looks += 1
        if self.looks >= self._ends_at:
            raise TooSlow(self.describe())


NODES = 4 * TOGETHER
LINES = ["suite s # state:queued", *[f"task t{n} # state:queued" for n in range(NODES)], "endsuite"]
TEXT = definition(*LINES)
STATELESS = TEXT.replace("state:", "other:")  # no line is found
DEFINITION = parse_definition(TEXT)
SUSPENDED = parse_definition(TEXT.replace("queued", "queued suspended:1"))
RECORDS = [StatusRecord("/", "queued"), StatusRecord("/s", "queued")]
RECORDS += [StatusRecord(f"/s/t{n}", "queued") for n in range(500)]
CHANGED = [(f"/s/t{n}", [memento("NodeStateMemento", state_={"first": 1})]) for n in range(500)]

STAGES: dict[str, tuple[int, Callable[[Work], object]]] = {
    "a definition": (len(TEXT) // CHUNK, lambda work: parse_definition(TEXT, work)),
    "several lines": (len(TEXT) // LOOKED_AT_TOGETHER, lambda work: join_lines(STATELESS, work)),
    "encoding": (NODES // TOGETHER, lambda work: encode_records(DEFINITION, work)),
    "suspended nodes": (NODES // TOGETHER, lambda work: states_under_suspended(SUSPENDED, work)),
    "checking": (2, lambda work: snapshot.check_records([join_records(RECORDS)] * 2, work.check)),
    "changes": (500, lambda work: parse_changes(delta(*CHANGED), work)),
    "merging": (
        500,
        lambda work: patch(
            Records(snapshot.Head("", "", "", 0), join_records(RECORDS) + b"]}"),
            Changes(2, 1, tuple(NodeChange(path, "complete", 0) for path, _ in CHANGED)),
            {},
            {},
            work,
        ),
    ),
    "many answers": (
        300,
        lambda work: decode_reply(reply(*[member("StcCmd")] * 300), "u", work),
    ),
    "a whole definition": (
        len(TEXT) // CHUNK,
        lambda work: decode_reply(reply(full(definition(*LINES))), "u", work),
    ),
}


@pytest.mark.parametrize("stage", STAGES)
def test_stage_looks_at_the_clock(stage: str) -> None:
    least, do = STAGES[stage]
    work = Counted()
    do(work)
    assert work.looks >= least > 0


@pytest.mark.parametrize("stage", STAGES)
def test_stage_ends_at_the_deadline(stage: str) -> None:
    least, do = STAGES[stage]
    work = Counted(ends_at=least)
    with pytest.raises(TooSlow):
        do(work)
    assert work.looks == least


def test_json_that_takes_longer_than_is_left_is_not_parsed() -> None:
    """The JSON parser cannot be interrupted, and holds the interpreter lock: 400,000 objects for 2 s."""
    body = reply(member("SSyncCmd", incremental_changes_=["objects"]))
    body = body.replace(b'"objects"', b",\n".join([b"{}"] * 400_000))
    with pytest.raises(TooSlow, match="cannot be decoded in time"):
        decode_reply(body, "u", Work(time.monotonic() + 0.5))


def test_no_reply_is_decoded_after_the_deadline() -> None:
    work = Work(time.monotonic() - 1)
    with pytest.raises(TooSlow, match="the reply of 5 MB was not decoded in time"):
        work.begin(5 << 20)


def test_message_names_the_stage_and_the_size() -> None:
    work = Work()
    assert work.describe() == "the reply of 0 KB was not decoded in time"
    work.begin(3 << 10)
    work.check("compared")
    work.check()
    assert work.describe() == "the reply of 3 KB was not compared in time"
    work.begin(1 << 20)
    assert work.describe() == "the reply of 1 MB was not decoded in time"


def test_step_is_not_begun_that_would_end_after_the_deadline() -> None:
    work = Work(time.monotonic() + 3600)
    work.begin(1 << 10)
    work.require(1800.0)
    with pytest.raises(TooSlow, match=r"^the reply of 1 KB cannot be decoded in time$"):
        work.require(3700.0)
