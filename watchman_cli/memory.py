"""What one run leaves for the next, so that it need ask a server only for what changed.

A disposable cache: losing or damaging it costs one full sync. It is one value: a digest, a line of
JSON, and the skeleton. The skeleton is the server's checkpoint with nothing but the nodes and their
states, so it holds no variable, no password and no reason of an abort.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

FORMAT = 1
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


def patch_skeleton(skeleton: bytes, lines: dict[int, str]) -> bytes:
    """A compressed skeleton with the lines of some nodes, by their number, replaced."""
    text = zlib.decompress(skeleton).split(b"\n")
    places = [place for place, line in enumerate(text) if not line.startswith((b"end", b"edit "))]
    for number, line in lines.items():
        text[places[number]] = line.encode()
    return zlib.compress(b"\n".join(text), 1)


def fields(memory: Memory) -> dict[str, Any]:
    """What a probe needs of the memory."""
    return {name: getattr(memory, name) for name in ("boot", "stats", "header", "structure", "nodes")}
