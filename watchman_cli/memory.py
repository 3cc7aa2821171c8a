"""What one run leaves for the next, so that it need ask a server only for what changed.

A disposable cache: losing or damaging it costs one full sync. It is one value: a digest, a line of
JSON, and the skeleton. The skeleton is the server's checkpoint with nothing but the nodes and their
states, so it holds no variable, no password and no reason of an abort.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import orjson

from watchman_cli import probe, schema

FORMAT = 2
HEAD_SIZE = 4096  # bytes in which everything before the skeleton fits
_DIGEST_SIZE = 64


@dataclass(frozen=True)
class Memory:
    """What is remembered of a server, without the skeleton."""

    boot: dict[str, Any]  # which start of which server: version, host, port, start time, PID
    stats: int  # how many `stats` requests that boot had answered
    header: str  # a checkpoint's first two lines, with the change numbers
    structure: int | None  # the server's number of structural changes; None where all suites are read
    nodes: int
    revision: str  # of the snapshot that the skeleton belongs to
    bindings: str  # the version of the bindings that made it
    target: list[Any]  # host, port, user and suites, as configured
    full_time: str  # when the last full sync was, ISO 8601
    skeleton_digest: str
    format: int = FORMAT

    def age(self, now: datetime) -> float:
        """Seconds since the last full sync; negative when the clock was set back."""
        return (now - datetime.fromisoformat(self.full_time)).total_seconds()


def digest(data: bytes) -> str:
    """The SHA-256 of `data`, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def encode(memory: Memory, skeleton: bytes) -> bytes:
    """The value to keep in the store."""
    line = orjson.dumps(memory)
    return b"".join((digest(line).encode(), b"\n", line, b"\n", skeleton))


def decode_head(value: bytes) -> tuple[Memory, int] | None:
    """The memory in a value's first HEAD_SIZE bytes, and where the skeleton begins; None if damaged."""
    kept, line = value[:_DIGEST_SIZE], value[_DIGEST_SIZE + 1 :].partition(b"\n")[0]
    if digest(line).encode() != kept:
        return None
    try:
        memory = Memory(**orjson.loads(line))
        datetime.fromisoformat(memory.full_time)
    except (TypeError, ValueError):  # of another version of watchman
        return None
    return (memory, _DIGEST_SIZE + 2 + len(line)) if memory.format == FORMAT else None


@cache
def _usual_tails() -> dict[str, str]:
    statuses = schema.load("snapshot")["$defs"]["status"]["enum"]
    return {status: probe.TAIL % ("", status) for status in statuses}


class SkeletonWriter:
    """Writes a skeleton while the nodes come, in their order and in parts."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(1)
        self._written: list[bytes] = []
        self._opened: list[tuple[int, str]] = []  # a container's depth, and the line that ends it
        self._depth = 0  # of the node before
        self._task_depth: int | None = None  # the same, if that was a task

    def add(
        self, records: Sequence[Mapping[str, str]], kinds: Sequence[str], tails: Mapping[str, str]
    ) -> None:
        """Write nodes of these records and kinds; `tails` has the ends of some lines, by their number."""
        lines: list[str] = []
        opened, before, after_task_at = self._opened, self._depth, self._task_depth
        usual = _usual_tails()
        mark = f"edit {probe.MARK} ''"
        for number, (record, kind) in enumerate(zip(records, kinds, strict=True)):
            path = record["path"]
            depth = path.count("/")
            if kind != "task" or depth != after_task_at:
                another_alias = kind == "alias" and opened[-1:] == [(depth, "endalias")]
                while opened and opened[-1][0] >= depth and not another_alias:
                    lines.append(opened.pop()[1])
                if kind != "task" and not another_alias:
                    opened.append((depth, "end" + kind))
                after_task_at = depth if kind == "task" else None
            tail = tails.get(str(number)) or usual[record["status"]]
            lines.append(kind + " " + path[path.rfind("/") + 1 :] + tail)
            if depth > before:
                lines.append(mark)
            before = depth
        self._depth, self._task_depth = before, after_task_at
        self._write(lines)

    def _write(self, lines: list[str]) -> None:
        self._written.append(self._compressor.compress("".join(line + "\n" for line in lines).encode()))

    def finish(self) -> bytes:
        """The skeleton, compressed."""
        self._write([end for _, end in reversed(self._opened)])
        return b"".join((*self._written, self._compressor.flush()))


def patch_skeleton(skeleton: bytes, lines: dict[int, str]) -> bytes:
    """A compressed skeleton with the lines of some nodes, by their number, replaced."""
    text = zlib.decompress(skeleton).split(b"\n")
    places = [place for place, line in enumerate(text) if line and not line.startswith((b"end", b"edit "))]
    for number, line in lines.items():
        text[places[number]] = line.encode()
    return zlib.compress(b"\n".join(text), 1)


def fields(memory: Memory) -> dict[str, Any]:
    """What a probe needs of the memory."""
    return {name: getattr(memory, name) for name in ("boot", "stats", "header", "structure", "nodes")}
