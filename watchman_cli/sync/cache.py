"""What one run leaves for the next, so that it need ask a server only for what changed.

A disposable cache: losing or damaging it costs one full sync. It is one value: a digest, a line of
JSON, and the shape of the snapshot's nodes. From both a skeleton is written when it is needed: the
server's checkpoint with nothing but the nodes and their states. So what is kept holds no variable,
no password and no reason of an abort.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from watchman_cli import snapshot
from watchman_cli.bindings import script as probe
from watchman_cli.snapshot import STATUS, DoesNotFit

FORMAT = 3
HEAD_SIZE = 4096  # bytes in which everything before the shape fits
_DIGEST_SIZE = 64
_KINDS = {kind[0]: kind for kind in ("suite", "family", "task", "alias")}
_RUNS = re.compile("t+|.")
_MARK = f"edit {probe.MARK} ''"


@dataclass(frozen=True)
class Memory:
    """What is remembered of a server, without the shape."""

    boot: dict[str, Any]  # which start of which server: version, host, port, start time, PID
    stats: int  # how many `stats` requests that boot had answered
    header: str  # a checkpoint's first two lines, with the change numbers
    structure: int | None  # the server's number of structural changes; None where all suites are read
    nodes: int
    revision: str  # of the snapshot that the shape belongs to
    bindings: str  # the version of the bindings that read it
    target: list[Any]  # host, port, user and suites, as configured
    full_time: str  # when the last full sync was, ISO 8601
    shape_digest: str
    format: int = FORMAT

    def age(self, now: datetime) -> float:
        """Seconds since the last full sync; negative when the clock was set back."""
        return (now - datetime.fromisoformat(self.full_time)).total_seconds()


def digest(data: bytes) -> str:
    """The SHA-256 of `data`, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def encode(memory: Memory, shape: bytes) -> bytes:
    """The value to keep in the store."""
    line = orjson.dumps(memory)
    return b"".join((digest(line).encode(), b"\n", line, b"\n", shape))


def decode_head(value: bytes) -> tuple[Memory, int] | None:
    """The memory in a value's first HEAD_SIZE bytes, and where the shape begins; None if damaged."""
    kept, line = value[:_DIGEST_SIZE], value[_DIGEST_SIZE + 1 :].partition(b"\n")[0]
    if digest(line).encode() != kept:
        return None
    try:
        memory = Memory(**orjson.loads(line))
        datetime.fromisoformat(memory.full_time)
    except (TypeError, ValueError):  # of another version of watchman
        return None
    return (memory, _DIGEST_SIZE + 2 + len(line)) if memory.format == FORMAT else None


@dataclass(frozen=True)
class Shape:
    """What a skeleton has besides a snapshot: each node's kind by its first letter, and odd ends of lines.

    The end of a line has the node's state; its record has another where it is suspended. A suite's
    has also whether it was begun.
    """

    kinds: str
    tails: dict[int, str]  # by the number of the node

    def changed(self, tails: Mapping[int, str | None]) -> Shape:
        """The same with the ends of some lines replaced; None is the usual one."""
        merged = {**self.tails, **tails}
        return Shape(self.kinds, {number: tail for number, tail in merged.items() if tail is not None})

    def encode(self) -> bytes:
        """As it is kept."""
        return zlib.compress(orjson.dumps({"kinds": self.kinds, "tails": list(self.tails.items())}), 1)


def decode_shape(value: bytes, known: Memory) -> Shape | None:
    """The shape that belongs to a memory; None if it is damaged."""
    if digest(value) != known.shape_digest:
        return None
    try:
        shape = shape_of(orjson.loads(zlib.decompress(value)))
    except (zlib.error, KeyError, TypeError, ValueError):  # of another version of watchman
        return None
    fits = set(shape.kinds) <= set(_KINDS) and all(0 <= number < len(shape.kinds) for number in shape.tails)
    return shape if fits else None


def shape_of(document: Mapping[str, Any]) -> Shape:
    """The shape that a probe sent, or that was kept."""
    return Shape(document["kinds"], {int(number): str(tail) for number, tail in document["tails"]})


def skeleton(value: bytes, revision: str, shape: Shape) -> Iterator[bytes]:
    """The skeleton of the nodes of this snapshot, which have this shape, in parts.

    Raises DoesNotFit where the snapshot is not that of this revision, or has other nodes, which may be
    known only at the end.
    """
    writer = _SkeletonWriter(shape)
    for records in snapshot.parts(value, revision):
        yield writer.written(records)
    yield writer.ended()


class _SkeletonWriter:
    """Writes a skeleton of a shape, from records in their order and in parts.

    What can be is done to many nodes at once: most are tasks beside each other, whose records become
    their lines by replacing what they have in common.
    """

    def __init__(self, shape: Shape) -> None:
        self._kinds = shape.kinds
        self._tails = sorted(shape.tails.items(), reverse=True)
        self._number = 0  # of the next node
        self._opened: list[tuple[int, str]] = []  # a container's depth, and the line that ends it
        self._depth = 0  # of the node before
        self._task_depth: int | None = None  # the same, if that was a task

    def written(self, records: list[str]) -> bytes:
        """The lines of these nodes, each of which is given as its path, STATUS, and its status."""
        lines: list[str] = []
        first, self._number = self._number, self._number + len(records)
        while self._tails and self._tails[-1][0] < self._number:
            number, tail = self._tails.pop()
            records[number - first] = records[number - first].partition(STATUS)[0] + tail
        for run in _RUNS.finditer(self._kinds[first : self._number]):
            at, end = run.span()
            while at < end:
                record, last = records[at], records[end - 1]
                name_at = record.rfind("/") + 1
                self._add_node(lines, _KINDS[self._kinds[first + at]], record, name_at)
                at += 1
                # in this order the last of a run of tasks has the first one's parent only if all have
                if at < end and last.rfind("/") + 1 == name_at and last.startswith(record[:name_at]):
                    lines.append("\n".join(records[at:end]).replace(record[:name_at], "task "))
                    at = end
        return "\n".join((*lines, "")).replace(STATUS, probe.TAIL % ("", "")).encode()

    def _add_node(self, lines: list[str], kind: str, record: str, name_at: int) -> None:
        opened, depth = self._opened, record.count("/")
        if kind != "task" or depth != self._task_depth:
            another_alias = kind == "alias" and opened[-1:] == [(depth, "endalias")]
            while opened and opened[-1][0] >= depth and not another_alias:
                lines.append(opened.pop()[1])
            if kind != "task" and not another_alias:
                opened.append((depth, "end" + kind))
            self._task_depth = depth if kind == "task" else None
        lines.append(f"{kind} {record[name_at:]}")
        if depth > self._depth:
            lines.append(_MARK)
        self._depth = depth

    def ended(self) -> bytes:
        """The lines after the last node. Raises DoesNotFit."""
        if self._number != len(self._kinds):
            raise DoesNotFit("there are other nodes in the snapshot than are remembered")
        return "\n".join((*(end for _, end in reversed(self._opened)), "")).encode()


def fields(memory: Memory) -> dict[str, Any]:
    """What a probe needs of the memory."""
    return {name: getattr(memory, name) for name in ("boot", "stats", "header", "structure", "nodes")}
