"""A store in a directory. A lease is the kernel's lock, which is gone with its process."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from watchman_cli import snapshot
from watchman_cli.errors import BadSnapshot, StoreError
from watchman_cli.store.base import Lease, SnapshotChanged, Store, StoredState, Update
from watchman_cli.text import printable


@dataclass
class DirectoryStore(Store):
    """A store in a directory: a key is a file, and is only ever replaced as a whole."""

    root: Path
    url: str = field(init=False)

    def __post_init__(self) -> None:
        self.url = f"file://{printable(str(self.root))}"

    def check(self, deadline: float) -> None:
        with _translating_os_errors(self.url):
            self.root.mkdir(parents=True, exist_ok=True)

    def value(self, name: str, field: str) -> bytes | None:
        with _translating_os_errors(self.url), suppress(FileNotFoundError, NotADirectoryError):
            if not self.root.is_dir():
                raise StoreError(f"store {self.url}: no such directory")
            try:
                return self._file(name, field).read_bytes()
            except IsADirectoryError as error:
                raise BadSnapshot("it is a directory") from error
        return None

    def close(self) -> None:
        """Nothing is kept open."""

    def lease(self, name: str, deadline: float, address: str | None = None) -> Lease | None:
        folder = self.root / name
        with _translating_os_errors(self.url):
            folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return DirectoryLease(self, name, lock)
            except BlockingIOError:
                os.close(lock)
                return None
            except BaseException:
                os.close(lock)
                raise

    def _file(self, name: str, field: str) -> Path:
        return self.root / name / (field if field == "sync" else f"{field}.json")

    def put(self, name: str, field: str, data: bytes) -> None:
        """Write one value, by itself and without a lease; delete it where it is empty. Raises StoreError."""
        with _translating_os_errors(self.url):
            if data:
                (self.root / name).mkdir(parents=True, exist_ok=True)
                self.replace(name, field, data)
            else:
                self.remove(name, field)

    def replace(self, name: str, field: str, data: bytes) -> None:
        """Replace a file as a whole; when that fails, the old one stays."""
        path = self._file(name, field)
        part = path.with_name(f".{path.name}.part")
        try:
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise

    def remove(self, name: str, field: str) -> None:
        """Delete a file, if there is one."""
        self._file(name, field).unlink(missing_ok=True)


@contextmanager
def _translating_os_errors(url: str) -> Iterator[None]:
    """Raise what the system reports of a file as a StoreError."""
    try:
        yield
    except OSError as error:
        missing = isinstance(error, (FileNotFoundError, NotADirectoryError))
        place = f": {error.filename}" if missing else ""
        raise StoreError(f"store {url}: {error.strerror}{place}") from error


class DirectoryLease(Lease):
    """A lease on a directory: the kernel's lock on it, gone with the process whatever ends it."""

    def __init__(self, store: DirectoryStore, name: str, lock: int) -> None:
        self._store, self._name, self._lock = store, name, lock
        self.warnings = []
        status = self.value("status") or b""
        raw_head = status[: snapshot.HEAD_SIZE]
        self.stored = StoredState(
            head=snapshot.parse_head(raw_head),
            raw_head=raw_head,
            size=len(status),
            health=self.value("health") or b"",
            sync=self.value("sync") or b"",
        )

    def value(self, field: str) -> bytes | None:
        try:
            return self._store.value(self._name, field)
        except BadSnapshot as error:
            raise StoreError(f"store {self._store.url}: {self._name}/{field}: {error}") from error

    def commit(self, update: Update, *, end: bool = True) -> None:
        value = update.snapshot
        if update.new_time is not None:
            old = self.value("status") or b""
            if (old[: snapshot.HEAD_SIZE], len(old)) != (self.stored.raw_head, self.stored.size):
                raise SnapshotChanged
            rest = snapshot.TIME_OFFSET + snapshot.TIME_SIZE
            value = old[: snapshot.TIME_OFFSET] + update.new_time.encode() + old[rest:]
        with _translating_os_errors(self._store.url):
            if value is not None:
                self._store.replace(self._name, "status", value)
            if update.sync:
                self._store.replace(self._name, "sync", update.sync)
            elif update.sync is not None:
                self._store.remove(self._name, "sync")
            self._store.replace(self._name, "health", update.health)
        if end:
            self.release()

    def release(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
