"""A server's details in a directory: a file of the last full reading, and one of the changes since.

The first begins with a line of JSON: its stamp, and the size of each field that follows. The second is JSON,
and has the first one's stamp as well. Both are written before the snapshot: if a run ends in between, what is
there is not the snapshot's, and not believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from watchman_cli.details.stored import DetailsUpdate, StoredDetails
from watchman_cli.errors import BadSnapshot
from watchman_cli.store.directory.files import open_regular, read_regular

BASE, CHANGED = "details", "details.changed"
MAX_HEAD = 64 << 20  # bytes of the first line of a file
MAX_CHANGED = 512 << 20  # bytes of the file of changes


class _Changes(NamedTuple):
    base_stamp: str
    stamp: str
    nodes: dict[str, Any]


def encode_base(update: DetailsUpdate) -> bytes:
    """Return the file of a full reading."""
    assert update.base is not None
    sizes = {name: len(value) for name, value in update.base.items()}
    return orjson.dumps({"revision": update.stamp, "sizes": sizes}) + b"\n" + b"".join(update.base.values())


def encode_changes(folder: Path, update: DetailsUpdate, trusted: Sequence[int]) -> bytes:
    """Return the content of the file of changes, with the earlier changes. Raises OSError."""
    base_stamp, _ = _read_base(folder, (), trusted)
    changes = _read_changes(folder, trusted)
    nodes: dict[str, Any] = {}
    if changes is not None and changes.base_stamp == base_stamp:
        nodes = dict(changes.nodes)
    nodes |= {path: orjson.Fragment(value) for path, value in update.changed.items()}
    return orjson.dumps({"base": base_stamp, "revision": update.stamp, "nodes": nodes})


def read(
    folder: Path, fields: Sequence[str] | None, paths: Sequence[str] | None, trusted: Sequence[int]
) -> StoredDetails:
    """Return some of the details; what a run replaces meanwhile has other stamps. Raises OSError."""
    base_stamp, found = _read_base(folder, fields, trusted)
    changes = _read_changes(folder, trusted)
    if changes is None or changes.base_stamp != base_stamp:
        return StoredDetails(base_stamp, base_stamp, "", found, {})
    wanted = changes.nodes if paths is None else {p: changes.nodes[p] for p in paths if p in changes.nodes}
    changed = {path: orjson.dumps(parts) for path, parts in wanted.items()}
    return StoredDetails(changes.stamp, base_stamp, changes.stamp, found, changed)


def _read_base(
    folder: Path, fields: Sequence[str] | None, trusted: Sequence[int]
) -> tuple[str, dict[str, bytes]]:
    """Return the stamp of the first file, and some of its fields; an empty one if it is not ours."""
    found: dict[str, bytes] = {}
    with suppress(FileNotFoundError, NotADirectoryError, BadSnapshot):
        with open_regular(folder / BASE, trusted) as file:
            head = _object(file.readline(MAX_HEAD))
            sizes, stamp = head.get("sizes"), head.get("revision")
            if not isinstance(sizes, dict) or not isinstance(stamp, str):
                return "", {}
            wanted = None if fields is None else frozenset(fields)
            place = file.tell()
            for name, size in sizes.items():
                if not isinstance(size, int) or size < 0:
                    return "", {}
                if wanted is None or name in wanted:
                    file.seek(place)
                    found[name] = file.read(size)
                place += size
            return stamp, found
    return "", {}


def _read_changes(folder: Path, trusted: Sequence[int]) -> _Changes | None:
    with suppress(FileNotFoundError, NotADirectoryError, BadSnapshot):
        head = _object(read_regular(folder / CHANGED, MAX_CHANGED, trusted))
        base_stamp, stamp, nodes = head.get("base"), head.get("revision"), head.get("nodes")
        if isinstance(base_stamp, str) and isinstance(stamp, str) and isinstance(nodes, dict):
            return _Changes(base_stamp, stamp, nodes)
    return None


def _object(line: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
