"""A directory's files of details: what does not belong together is not joined."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from watchman_cli.details.stored import NO_DETAILS, DetailsUpdate
from watchman_cli.store.directory.details import BASE, CHANGED, encode_base, encode_changes, read

TRUSTED = (os.geteuid(),)
FULL = DetailsUpdate("r t", {"/": b"suites", "/s/": b"\n\x00"}, {})


def test_some_fields_are_read(tmp_path: Path) -> None:
    (tmp_path / BASE).write_bytes(encode_base(FULL))
    found = read(tmp_path, ["/s/", "/none/"], [], TRUSTED)
    assert (found.stamp, found.is_whole, found.fields) == ("r t", True, {"/s/": b"\n\x00"})
    assert read(tmp_path, None, None, TRUSTED).fields == FULL.base


def test_changes_of_another_full_reading_are_not_used(tmp_path: Path) -> None:
    (tmp_path / BASE).write_bytes(encode_base(FULL))
    changes = DetailsUpdate("r2 t2", None, {"/s": b'{"state":"active"}'}, "r t")
    (tmp_path / CHANGED).write_bytes(encode_changes(tmp_path, changes, TRUSTED))
    found = read(tmp_path, [], None, TRUSTED)
    assert (found.stamp, found.base_stamp, found.changed) == ("r2 t2", "r t", {"/s": b'{"state":"active"}'})
    (tmp_path / BASE).write_bytes(encode_base(FULL._replace(stamp="r3 t3")))
    found = read(tmp_path, [], None, TRUSTED)
    assert (found.stamp, found.changed, found.is_whole) == ("r3 t3", {}, True)


@pytest.mark.parametrize(
    "value", [b"", b"{", b"[]\n", b'{"revision":5,"sizes":{}}\n', b'{"revision":"r","sizes":{"/":-1}}\n']
)
def test_a_file_of_another_kind_is_as_none(tmp_path: Path, value: bytes) -> None:
    (tmp_path / BASE).write_bytes(value)
    (tmp_path / CHANGED).write_bytes(value)
    assert read(tmp_path, None, None, TRUSTED) == NO_DETAILS
