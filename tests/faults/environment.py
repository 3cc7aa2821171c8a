"""What the rows share: real servers, what earlier runs left, and one run of `watchman collect`."""

from __future__ import annotations

import re
import socket
import subprocess
import threading
import time
import uuid
import zlib
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.support.agents import ECFLOW_PYTHON
from tests.support.certificates import put_certificate
from tests.support.ecflow_server import EcflowServer
from tests.support.faulty_server import Connection, FakeServer, Proxy, Reply
from tests.support.loopback import free_port
from tests.support.processes import processes_with
from tests.support.redis_server import RedisServer
from tests.support.watched import VERIFIED_EVERY
from tests.support.watchman import Result, Watchman

USER, ECFLOW_SECRET, REDIS_SECRET = "fred", "battery-staple-17", "correct-horse-91"
GOOD, BAD = "o/good", "o/bad"
MARKER = "part-of-a-reply-4711"  # stands in what servers answer, and may stand nowhere else
LONG = (
    f"edit LONG '{MARKER}{'x' * 40}'\n"  # so that a reply is larger than what the kernel holds for a socket
)


def families(number: int, tasks: int, more: str = "") -> str:
    """Return the text of some families, each with some tasks."""
    inside = "".join(f"task t{task}\n{more}" for task in range(tasks))
    return "".join(f"family f{each}\n{inside}endfamily\n" for each in range(number))


MEDIUM = f"suite s\nedit MARKER '{MARKER}'\n{families(20, 100)}endsuite\n"


@dataclass
class FaultEnvironment:
    """What the rows share: a healthy server, a large one, and what earlier runs left of both servers."""

    folder: Path
    healthy: EcflowServer
    seeds: dict[str, bytes] = field(default_factory=dict)
    _large: EcflowServer | None = None

    def server(self, name: str, user: str = USER, **environment: str) -> EcflowServer:
        """Start an ecFlow server whose password file has the user and password of the configuration."""
        home = self.folder / name
        home.mkdir(exist_ok=True)
        port = free_port()
        passwords = home / "passwords"
        passwords.write_text(f"5.0.0\n{user} {socket.gethostname()} {port} {ECFLOW_SECRET}\n")
        environment = {"ECF_CUSTOM_PASSWD": str(passwords), **environment}
        return EcflowServer(home, port=port, environment=environment).start()

    @property
    def large(self) -> EcflowServer:
        """A server of 100,000 nodes, started when a row first needs it."""
        if self._large is None:
            self._large = self.server("large")
            self._large.load_text(f"suite s\n{families(100, 1000, LONG)}endsuite\n")
        return self._large

    def certificates(self, home: Path) -> Path:
        """Put a certificate where ecFlow looks for it in a home directory."""
        put_certificate(home / ".ecflowrc" / "ssl")
        return home

    def stop(self) -> None:
        """Stop the servers."""
        for server in (self.healthy, self._large):
            if server:
                server.stop()


@dataclass
class FaultRun:
    """One run of a row. `setup` puts the fault onto it; what it started is ended with `stack`."""

    environment: FaultEnvironment
    folder: Path
    stack: ExitStack
    redis: RedisServer
    watchman: Watchman
    entry: dict[str, Any] = field(default_factory=dict)  # of o/bad in the configuration
    good: dict[str, Any] = field(default_factory=dict)  # of o/good
    settings: dict[str, Any] = field(default_factory=dict)  # of the whole configuration
    store: str = ""
    variables: dict[str, str] = field(default_factory=dict)  # of the run's environment
    prefix: tuple[str, ...] = ()
    truth: EcflowServer | None = None  # whose nodes o/bad has, where it can be read
    happened: threading.Event | None = None  # set when a fault in mid-run came about
    process: subprocess.Popen[bytes] | None = None
    during: Callable[[], None] | None = None  # called while the run goes on
    cmdlines: set[bytes] = field(default_factory=set)
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def temporary(self) -> Path:
        """The run's directory for temporary files."""
        return self.folder / "tmp"

    def set_address(self, address: tuple[str, int]) -> None:
        """Have o/bad be at this address."""
        self.entry |= {"host": address[0], "port": address[1]}

    def own_server(self, definition: str, **options: str) -> EcflowServer:
        """Have o/bad be a server that this row may spoil."""
        server = self.environment.server(f"own{uuid.uuid4().hex}", **options)
        self.stack.callback(server.stop)
        if definition:
            server.load_text(definition)
            server.begin_all_suites()
        self.set_address((server.host, server.port))
        self.truth = server
        return server

    def fake(self, behave: Callable[[Connection], None]) -> None:
        """Have o/bad be a server that treats each connection so."""
        listener = FakeServer(behave)
        self.stack.enter_context(listener)
        self.set_address((listener.host, listener.port))

    def answer(self, data: bytes) -> None:
        """Have o/bad be a server that gives each request the same answer."""

        def behave(connection: Connection) -> None:
            connection.client.recv(1 << 16)
            connection.forward(data)

        self.fake(behave)

    def proxy(self, server: EcflowServer, on_reply: Callable[[Reply], None]) -> None:
        """Have o/bad be a real server, whose replies are treated so on their way."""
        proxy = Proxy(server.port, on_reply)
        self.stack.enter_context(proxy)
        self.set_address((proxy.host, proxy.port))
        self.truth = server

    def interpreter(self, module: str, options: str = "") -> None:
        """Have the bindings be imported by way of `module`."""
        path = self.folder / "path"
        path.mkdir()
        (path / "ecflow.py").write_text(module)
        wrapper = self.folder / "python"
        wrapper.write_text(f'#!/bin/sh\nPYTHONPATH={path} exec {ECFLOW_PYTHON} {options} "$@"\n')
        wrapper.chmod(0o700)
        self.variables["WATCHMAN_ECFLOW_PYTHON"] = str(wrapper)

    def change(self, name: str, pattern: bytes, by: bytes) -> None:
        """Change a value in Redis."""
        value, number = re.subn(pattern, by, self.value(name) or b"")
        assert number
        self.redis.client.set(name, value)

    def collect(self, *arguments: str) -> Result:
        """Make a run; with no `arguments` its process is one of its own, watched from outside meanwhile."""
        defaults = {"full_sync_every": VERIFIED_EVERY}
        entries = [{"owner": "o", "repo": "good", **self.good}, {"owner": "o", "repo": "bad", **self.entry}]
        self.watchman.configure(self.store, entries, defaults=defaults, **self.settings)
        variables = {"TMPDIR": str(self.temporary), "WATCHMAN_TEST": self.mark, **self.variables}
        environment = self.watchman.environment(**variables)
        watchman = replace(self.watchman, prefix=self.prefix)
        if arguments and not self.during:
            return watchman.run("collect", *arguments, environment=environment)
        began = time.monotonic()
        with watchman.start("collect", *arguments, environment=environment) as self.process:
            over = threading.Event()
            watcher = threading.Thread(target=self._watch, args=(over,))
            watcher.start()
            try:
                if self.during:
                    self.during()
                # Nothing that a row arranges ends by itself: only its deadline ends the run by then.
                out, err = self.process.communicate(timeout=60)
            finally:
                self.process.kill()
                over.set()
                watcher.join()
        return Result(self.process.returncode, out, err.decode(), time.monotonic() - began)

    def _watch(self, over: threading.Event) -> None:
        while not over.wait(0.05):
            for process in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    self.cmdlines.add((process / "cmdline").read_bytes())

    def processes_left(self) -> list[int]:
        """Return the processes of the run that still exist, by a mark in their environment."""
        return processes_with(self.mark)

    def key_names(self) -> list[str]:
        """Return the keys in Redis."""
        found: Any = self.redis.client.keys("*")
        return [name.decode() for name in found]

    def contents(self, name: str) -> list[bytes]:
        """Return what a key in Redis holds: a value, or the fields of details, decompressed too."""
        if self.redis.client.type(name) != b"hash":
            return [self.value(name) or b""]
        fields: Any = self.redis.client.hvals(name)
        found = list(fields)
        for each in fields:
            with suppress(zlib.error):
                found.append(zlib.decompress(each))
        return found

    def value(self, name: str) -> bytes | None:
        """Return a value in Redis."""
        value: Any = self.redis.client.get(name)
        return None if value is None else bytes(value)


def prepare(environment: FaultEnvironment, folder: Path, stack: ExitStack) -> FaultRun:
    """Return a run with a Redis of its own, in which the last good snapshots are."""
    (folder / "tmp").mkdir()
    acl = folder / "users"
    acl.write_text(f"user default on nopass ~* &* +@all\nuser watchman on >{REDIS_SECRET} ~* &* +@all\n")
    # With fsync `no`, each write is the kernel's before it is answered, and outlives a kill.
    kept = ("--appendonly", "yes", "--appendfsync", "no")
    redis = RedisServer(folder, ("--aclfile", str(acl), *kept))
    stack.callback(redis.stop)
    redis.start()
    for name, value in environment.seeds.items():
        redis.client.set(name, value)
    run = FaultRun(
        environment, folder, stack, redis, Watchman(folder, forked=True), truth=environment.healthy
    )
    run.set_address((environment.healthy.host, environment.healthy.port))
    run.entry |= {"user": USER, "password": ECFLOW_SECRET}
    run.good |= run.entry
    run.store = f"redis://watchman:{REDIS_SECRET}@127.0.0.1:{redis.port}/0"
    return run
