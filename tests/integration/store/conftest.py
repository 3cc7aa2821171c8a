"""Every kind of store, real, each started once a module and emptied before each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.loopback import free_port
from tests.support.redis_kinds import Certificate, RedisCluster, new_redis, new_sentinel
from watchman_cli.store import Store, open_store
from watchman_cli.store.directory.files import file_name
from watchman_cli.store.redis.keys import KeyField, key

KINDS = ("redis", "unix", "tls", "sentinel", "cluster", "directory")


@dataclass
class Kind:
    """A store, and its values as somebody changes them who knows of no lease."""

    url: str
    client: Any = None
    opened: list[Store] = field(default_factory=list)
    keeps_changes = True

    def open(self) -> Store:
        self.opened.append(open_store(self.url))
        return self.opened[-1]

    def put(self, name: str, field: KeyField, value: bytes) -> None:
        if self.client is None:
            self.path(name, field).write_bytes(value)
        else:
            self.client.set(key(name, field), value)

    def get(self, name: str, field: KeyField) -> bytes | None:
        if self.client is None:
            path = self.path(name, field)
            return path.read_bytes() if path.exists() else None
        value: bytes | None = self.client.get(key(name, field))
        return value

    def delete(self, name: str, field: KeyField) -> None:
        if self.client is not None:
            self.client.delete(key(name, field))
        elif field == "lock":
            shutil.rmtree(self.path(name, field))
        else:
            self.path(name, field).unlink()

    def path(self, name: str, field: KeyField) -> Path:
        folder = Path(urlsplit(self.url).path, name)
        assert field != "changes"
        return folder / ("lock" if field == "lock" else file_name(field))

    def is_locked(self, name: str) -> bool:
        if self.client is None:
            return self.path(name, "lock").exists()
        return bool(self.client.exists(key(name, "lock")))

    def locks(self) -> list[str]:
        """Return the locks that are held, and what else is left over."""
        if self.client is not None:
            return sorted(each.decode() for each in self.client.scan_iter("*lock*"))
        root = Path(urlsplit(self.url).path)
        return sorted(
            str(path)
            for path in root.rglob("*")
            if path.name == "lock" or (path.name[0] == "." and path.name != ".addresses")
        )

    def leftovers(self) -> list[str]:
        """Return what a probe has left."""
        if self.client is not None:
            return sorted(each.decode() for each in self.client.scan_iter("*probe*"))
        return sorted(str(path) for path in Path(urlsplit(self.url).path).rglob("*probe*"))

    def clear(self) -> None:
        if self.client is None:
            shutil.rmtree(urlsplit(self.url).path, ignore_errors=True)
        else:
            self.client.flushall()


@pytest.fixture(scope="module")
def start_kind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Kind]]:
    started: dict[str, Kind] = {}
    with ExitStack() as stack:

        def start(kind: str) -> Kind:
            if kind not in started:
                started[kind] = _start(kind, stack, tmp_path_factory.mktemp(kind))
            return started[kind]

        yield start


def _start(kind: str, stack: ExitStack, folder: Path) -> Kind:
    if kind == "directory":
        return Kind(f"file://{folder}/store")
    if kind == "cluster":
        cluster = RedisCluster(stack, folder).start()
        return Kind(cluster.url, stack.enter_context(cluster.client))
    if kind == "tls":
        port, certificate = free_port(), Certificate.create(folder)
        server = new_redis(stack, folder, *certificate.arguments(port, clients="yes"))
        crt, private_key = certificate.certificate, certificate.key
        options = f"ssl_ca_certs={crt}&ssl_certfile={crt}&ssl_keyfile={private_key}"
        return Kind(f"rediss://127.0.0.1:{port}/0?{options}", server.client)
    if kind == "unix":
        socket = folder / "r.sock"
        server = new_redis(stack, folder, "--unixsocket", str(socket))
        return Kind(f"unix://{socket}?db=0", server.client)
    server = new_redis(stack, folder)
    if kind == "sentinel":
        sentinel = new_sentinel(stack, folder, server.port)
        return Kind(f"redis+sentinel://127.0.0.1:1,127.0.0.1:{sentinel.port}/mymaster/0", server.client)
    return Kind(server.url, server.client)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, start_kind: Callable[[str], Kind]) -> Iterator[Kind]:
    made = start_kind(request.param)
    made.clear()
    yield made
    while made.opened:
        made.opened.pop().close()


@pytest.fixture
def store(kind: Kind) -> Store:
    return kind.open()
