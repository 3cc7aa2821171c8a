"""A directory store's files: only their owner writes them; what others may have written is not believed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.integration.store.test_changes import batch_of
from tests.integration.store.test_contract import ADDRESS, NAME, NEW, OLD, take, write
from watchman_cli.errors import BadSnapshot, StoreError
from watchman_cli.store import Field, Store, Update, open_store
from watchman_cli.store.directory.files import file_name

BATCH = batch_of(None, 1)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(root: Path) -> Store:
    return open_store(f"file://{root}")


def test_only_the_owner_may_write_whatever_the_umask(tmp_path: Path) -> None:
    root = tmp_path / "new" / "store"
    before = os.umask(0)
    try:
        store = open_store(f"file://{root}")
        write(store, OLD, b"1", b"s")
        with take(store, address=ADDRESS) as lease:
            lease.commit(Update(b"h", NEW, changes=BATCH), end=False)
            paths = [root.parent, root, *root.rglob("*")]
            assert {path.name for path in paths} >= {"sync", "health.json", "changes.jsonl", "owner", "lock"}
            for path in paths:
                assert path.stat().st_mode & 0o7777 == (0o755 if path.is_dir() else 0o644), path
    finally:
        os.umask(before)


FIELDS = ("status", "health", "sync")
OF_ANOTHER = pytest.param(
    "another's", marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root gives away")
)


def spoil(path: Path, how: str) -> None:
    """Have others be able to write a file, or have had it written."""
    if how == "another's":
        os.chown(path, 65534, 65534)
    else:
        path.chmod(0o666)


@pytest.mark.parametrize("how", ["writable", OF_ANOTHER])
@pytest.mark.parametrize("field", FIELDS)
def test_a_file_that_others_may_have_written_is_not_believed(
    root: Path, store: Store, field: Field, how: str
) -> None:
    write(store, OLD, b"h", b"s")
    path = root / NAME / file_name(field)
    spoil(path, how)
    with pytest.raises(BadSnapshot, match=f"ignored until a run replaces it: {path}"):
        store.value(NAME, field)
    if field == "status":
        with pytest.raises(BadSnapshot, match="ignored"):
            store.head(NAME)
    with take(store) as lease:
        assert (lease.stored.head is None) == (field == "status")
        assert bool(lease.stored.health) == (field != "health")
        assert bool(lease.stored.sync) == (field != "sync")
        assert lease.value(field) is None
        lease.commit(Update(b"h", NEW, sync=b"s", changes=BATCH))
    assert store.value(NAME, "status") == NEW and store.value(NAME, field)


@pytest.mark.parametrize("how", ["writable", OF_ANOTHER])
def test_changes_that_others_may_have_written_are_begun_anew(root: Path, store: Store, how: str) -> None:
    with take(store) as lease:
        lease.commit(Update(b"h", OLD, changes=BATCH))
    assert len(store.changes_after(NAME, "")) == 1
    path = root / NAME / "changes.jsonl"
    with path.open("ab") as file:
        file.write(b"{}\n")
    spoil(path, how)
    for asked in (lambda: store.changes_after(NAME, ""), lambda: store.changes_end(NAME)):
        with pytest.raises(StoreError, match=f"the changes of {NAME}: .* ignored"):
            asked()
    with take(store) as lease:
        lease.commit(Update(b"h", NEW, changes=BATCH))
    assert len(store.changes_after(NAME, "")) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a directory away")
def test_a_reader_believes_the_owner_of_the_store(root: Path, store: Store) -> None:
    write(store, OLD)
    for path in (root, *root.rglob("*")):
        os.chown(path, 65534, 65534)
    assert store.value(NAME, "status") == OLD
