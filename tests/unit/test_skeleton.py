"""The skeleton: what is restored by the bindings, written from a snapshot and a shape."""

from __future__ import annotations

import zlib

import pytest

from watchman_cli import snapshot
from watchman_cli.snapshot import DoesNotFit
from watchman_cli.sync import cache as memory
from watchman_cli.sync.cache import Shape

MARK = "edit WATCHMAN_REMEMBERED ''"
NODES = [
    ("s", "/s", "queued"),
    ("f", "/s/f", "queued"),
    ("t", "/s/f/a", "complete"),
    ("t", "/s/f/b", "suspended"),
    ("t", "/s/f/c", "aborted"),
    ("t", "/s/up", "active"),
    ("t", "/s/up2", "queued"),
    ("f", "/s/g", "complete"),
    ("f", "/s/g/empty", "complete"),
    ("f", "/s/g/s", "complete"),
    ("t", "/s/g/s/t", "complete"),
    ("a", "/s/g/s/t/1", "complete"),
    ("a", "/s/g/s/t/2", "aborted"),
    ("t", "/s/g/s/t2", "complete"),
    ("s", "/other", "unknown"),
]
SHAPE = Shape(
    "".join(kind for kind, _, _ in NODES),
    {0: " # begun:1 state:queued", 3: " # state:complete suspended:1", 14: " # state:unknown"},
)
SKELETON = f"""\
suite s # begun:1 state:queued
{MARK}
family f # state:queued
{MARK}
task a # state:complete
{MARK}
task b # state:complete suspended:1
task c # state:aborted
endfamily
task up # state:active
task up2 # state:queued
family g # state:complete
family empty # state:complete
{MARK}
endfamily
family s # state:complete
task t # state:complete
{MARK}
alias 1 # state:complete
{MARK}
alias 2 # state:aborted
endalias
task t2 # state:complete
endfamily
endfamily
endsuite
suite other # state:unknown
endsuite
"""


def stored(nodes: list[tuple[str, str, str]]) -> tuple[bytes, str]:
    """A snapshot of these nodes, and its revision."""
    records = ['{"path":"/","status":"queued"}']
    records += [f'{{"path":"{path}","status":"{status}"}}' for _, path, status in nodes]
    time = "2026-11-24T00:12:57.123456+00:00"
    value = snapshot.compose(time, "RUNNING", [",".join(records).encode()])
    head = snapshot.head_of(value)
    assert head
    return value, head.revision


@pytest.mark.parametrize("size", [1, 40, 100, 350, 100_000])
def test_wherever_it_is_cut_into_parts(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "PART_SIZE", size)
    assert b"".join(memory.skeleton(*stored(NODES), SHAPE)).decode() == SKELETON


def test_of_no_nodes() -> None:
    assert b"".join(memory.skeleton(*stored([]), Shape("", {}))) == b""


def test_another_snapshot_does_not_fit() -> None:
    value, revision = stored(NODES)
    for other, its_revision, shape in (
        (*stored(NODES[:-1]), SHAPE),
        (*stored([*NODES, ("t", "/other/t", "queued")]), SHAPE),
        (value, "0" * 32, SHAPE),
        (value.replace(b"active", b"queued", 1), revision, SHAPE),
        (b"", revision, SHAPE),
        (*stored([("s", "/s\\u0041", "queued")]), Shape("s", {})),
    ):
        with pytest.raises(DoesNotFit):
            list(memory.skeleton(other, its_revision, shape))


def test_a_shape_is_kept_and_changed() -> None:
    changed = SHAPE.changed({3: None, 4: " # state:aborted suspended:1", 14: " # begun:1 state:unknown"})
    assert changed.tails == {
        0: " # begun:1 state:queued",
        4: " # state:aborted suspended:1",
        14: " # begun:1 state:unknown",
    }
    assert changed.kinds == SHAPE.kinds


@pytest.mark.parametrize(
    "kept",
    [
        b"",
        b"not compressed",
        *map(zlib.compress, (b"[]", b'{"kinds":"x","tails":[]}', b'{"kinds":"s","tails":[[1,""]]}')),
    ],
)
def test_a_shape_that_is_none(kept: bytes) -> None:
    assert memory.decode_shape(kept, memory_of(kept)) is None


def test_a_shape_is_read_back_unless_it_is_damaged() -> None:
    kept = SHAPE.encode()
    assert memory.decode_shape(kept, memory_of(kept)) == SHAPE
    assert memory.decode_shape(kept[:-1], memory_of(kept)) is None


def memory_of(shape: bytes) -> memory.Memory:
    """What is remembered beside a shape."""
    return memory.Memory(
        boot={},
        stats=1,
        header="",
        structure=None,
        nodes=len(NODES),
        revision="",
        bindings="",
        target=[],
        full_time="",
        shape_digest=memory.digest(shape),
    )
