"""A real redis-server, and what watchman wrote into it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import redis

from tests.support.loopback import accepts, await_true, free_port
from tests.support.programs import find_program
from watchman_cli.store.redis.keys import key

ADMIN = "admin"  # a user, and its password
REDIS_SERVER = os.environ.get("WATCHMAN_TEST_REDIS", "redis-server")  # or valkey-server


@dataclass
class RedisServer:
    """A real redis-server on a free loopback port, which keeps nothing on disk."""

    home: Path
    arguments: Sequence[str] = ()
    permissions: Sequence[str] = ()  # of whoever gives no name, in place of all; the tests' client has all
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @cached_property
    def client(self) -> redis.Redis:
        name = ADMIN if self.permissions else None
        return redis.Redis(port=self.port, socket_timeout=10, username=name, password=name)

    def start(self, wait: bool = True) -> RedisServer:
        command = [
            find_program(REDIS_SERVER),
            "--port",
            str(self.port),
            "--dir",
            str(self.home),
            "--save",
            "",
        ]
        if self.permissions:
            command += [
                "--user",
                "default",
                "on",
                "nopass",
                "sanitize-payload",
                "resetchannels",
                *self.permissions,
            ]
            command += ["--user", ADMIN, "on", f">{ADMIN}", "~*", "&*", "+@all"]
        with (self.home / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *self.arguments], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        if wait:
            await_true(lambda: accepts(self.port), "redis-server did not start")
        return self

    def kill(self, signum: int = signal.SIGKILL) -> None:
        if self.process:
            self.process.send_signal(signum)
            self.process.wait()

    def stop(self) -> None:
        self.client.close()
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def status_of(client: redis.Redis, name: str) -> dict[str, Any] | None:
    """Return the decoded snapshot of a server in Redis."""
    value: Any = client.get(key(name, "status"))
    return json.loads(value) if value else None


def health_of(client: redis.Redis, name: str) -> dict[str, Any] | None:
    """Return the decoded health record of a server in Redis."""
    value: Any = client.get(key(name, "health"))
    return json.loads(value) if value else None


def verify_next(client: redis.Redis, name: str) -> None:
    """Have the bindings read a server, too, in its next run."""
    health: Any = health_of(client, name)
    health["sync"]["next_verification"] = "2026-01-01T00:00:00+00:00"
    client.set(key(name, "health"), json.dumps(health))


def records_of(document: Mapping[str, Any]) -> list[list[str]]:
    """Return a snapshot's records, as EcflowServer.snapshot() gives them."""
    return [[record["path"], record["status"]] for record in document["status_records"]]
