"""The fault matrix: what goes wrong at ecFlow's side and at Redis's, a row each, on real sockets.

A row arranges a fault for the server o/bad, or for the store. One test holds each row to all that must
stay true whatever happens, twice: as cron runs it, and with a log for a collector. The README's table
is made of the same rows.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis as driver

from tests.conftest import require_namespace
from tests.integration.test_collect import load_seven
from tests.support.faulty_server import Connection, FakeServer, Proxy, Reply, black_hole, http_server
from tests.support.servers import (
    ECFLOW_PYTHON,
    EcflowServer,
    RedisServer,
    Result,
    Watchman,
    await_true,
    free_port,
    health_of,
    records_of,
    status_of,
)
from watchman_cli import schema
from watchman_cli.store.redis import key as redis_key
from watchman_cli.sync import cache as memory

USER, ECFLOW_SECRET, REDIS_SECRET = "fred", "battery-staple-17", "correct-horse-91"
GOOD, BAD = "o/good", "o/bad"


# ----------------------------------------------------------------------------------- what there is


@dataclass
class World:
    """What the rows share: a healthy server, a large one, certificates, and what earlier runs left."""

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
        folder = home / ".ecflowrc" / "ssl"
        folder.mkdir(parents=True, exist_ok=True)
        key, crt = str(folder / "server.key"), str(folder / "server.crt")
        request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
        openssl(*request, "-out", crt, "-keyout", key)
        openssl("dhparam", "-dsaparam", "-out", str(folder / "dh2048.pem"), "2048")
        return home

    def stop(self) -> None:
        for server in (self.healthy, self._large):
            if server:
                server.stop()


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


LONG = f"edit LONG '{'x' * 60}'\n"  # so that a reply is larger than what the kernel holds for a socket


def families(number: int, tasks: int, more: str = "") -> str:
    inside = "".join(f"task t{task}\n{more}" for task in range(tasks))
    return "".join(f"family f{each}\n{inside}endfamily\n" for each in range(number))


@dataclass
class Stage:
    """One run of a row. `arrange` puts the fault onto it; what it started is ended with `stack`."""

    world: World
    folder: Path
    stack: ExitStack
    redis: RedisServer
    watchman: Watchman
    entry: dict[str, Any] = field(default_factory=dict)  # of o/bad in the configuration
    good: dict[str, Any] = field(default_factory=dict)  # of o/good
    store: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()
    truth: EcflowServer | None = None  # whose nodes o/bad has, where it can be read
    happened: threading.Event | None = None  # set when a fault in mid-run came about
    process: subprocess.Popen[bytes] | None = None
    cmdlines: set[bytes] = field(default_factory=set)
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def temporary(self) -> Path:
        return self.folder / "tmp"

    def own_server(self, definition: str, **options: str) -> EcflowServer:
        """A server that this row may spoil."""
        server = self.world.server(f"own{uuid.uuid4().hex}", **options)
        self.stack.callback(server.stop)
        if definition:
            server.load_text(definition)
            server.begin_all_suites()
        at(self, (server.host, server.port))
        self.truth = server
        return server

    def fake(self, behave: Callable[[Connection], None]) -> None:
        """Have o/bad be a server that treats each connection so."""
        listener = FakeServer(behave)
        self.stack.enter_context(listener)
        at(self, (listener.host, listener.port))

    def proxy(self, server: EcflowServer, on_reply: Callable[[Reply], None]) -> None:
        """Have o/bad be a real server, whose replies are treated so on their way."""
        proxy = Proxy(server.port, on_reply)
        self.stack.enter_context(proxy)
        at(self, (proxy.host, proxy.port))
        self.truth = server

    def interpreter(self, module: str, options: str = "") -> None:
        """Have the bindings be imported by way of `module`."""
        path = self.folder / "path"
        path.mkdir()
        (path / "ecflow.py").write_text(module)
        wrapper = self.folder / "python"
        wrapper.write_text(f'#!/bin/sh\nPYTHONPATH={path} exec {ECFLOW_PYTHON} {options} "$@"\n')
        wrapper.chmod(0o700)
        self.environment["WATCHMAN_ECFLOW_PYTHON"] = str(wrapper)

    def probe_of(self, connection: Connection) -> int:
        """The process at the other end of a connection."""
        port = connection.client.getpeername()[1]

        def find() -> int | None:
            assert self.process
            for child in psutil.Process(self.process.pid).children(recursive=True):
                with suppress(psutil.Error):
                    if any(each.laddr and each.laddr[1] == port for each in child.net_connections("tcp")):
                        return child.pid
            return None

        found: int = await_true(find, "nobody at the other end")
        return found

    def collect(self, *arguments: str) -> Result:
        """One run, watched from outside while it goes on."""
        defaults = {"full_sync_every": 86400}
        entries = [{"owner": "o", "repo": "good", **self.good}, {"owner": "o", "repo": "bad", **self.entry}]
        self.watchman.configure(self.store, entries, defaults=defaults)
        environment = {"TMPDIR": str(self.temporary), "WATCHMAN_TEST": self.mark, **self.environment}
        watchman = replace(self.watchman, prefix=self.prefix)
        began = time.monotonic()
        with watchman.start(
            "collect", *arguments, environment=watchman.environment(**environment)
        ) as self.process:
            over = threading.Event()
            watcher = threading.Thread(target=self._watch, args=(over,))
            watcher.start()
            try:
                # Nothing that a row arranges ends by itself: only its deadline ends the run by then.
                out, err = self.process.communicate(timeout=60)
            finally:
                self.process.kill()
                over.set()
                watcher.join()
        return Result(self.process.returncode, out, err.decode(), time.monotonic() - began)

    def _watch(self, over: threading.Event) -> None:
        while not over.wait(0.02):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    self.cmdlines.add(path.read_bytes())

    def left(self) -> list[int]:
        """The processes of the run that are there still, by a mark in their environment."""
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if self.mark.encode() in path.read_bytes():
                    found.append(int(path.parent.name))
        return found

    def kept(self) -> list[str]:
        """What is in Redis."""
        found: Any = self.redis.client.keys("*")
        return [key.decode() for key in found]

    def value(self, key: str) -> bytes | None:
        value: Any = self.redis.client.get(key)
        return None if value is None else bytes(value)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    made = World(folder, EcflowServer(folder))
    made.healthy = made.server("healthy")
    load_seven(made.healthy)
    with ExitStack() as stack:
        stack.callback(made.stop)
        (folder / "first").mkdir()
        stage = staged(made, folder / "first", stack)
        first = stage.collect()
        assert (first.code, first.err) == (0, "")
        made.seeds = {key: stage.value(key) or b"" for key in stage.kept()}
        assert sorted(made.seeds) == sorted(
            redis_key(n, w) for n in (GOOD, BAD) for w in ("status", "health", "sync")
        )
        yield made


def staged(world: World, folder: Path, stack: ExitStack) -> Stage:
    """A stage with a Redis of its own, in which the last good snapshots are."""
    (folder / "tmp").mkdir()
    acl = folder / "users"
    acl.write_text(f"user default on nopass ~* &* +@all\nuser watchman on >{REDIS_SECRET} ~* &* +@all\n")
    # With fsync `no`, each write is the kernel's before it is answered, and outlives a kill.
    kept = ("--appendonly", "yes", "--appendfsync", "no")
    redis = RedisServer(folder, ("--aclfile", str(acl), *kept))
    stack.callback(redis.stop)
    redis.start()
    for key, value in world.seeds.items():
        redis.client.set(key, value)
    stage = Stage(world, folder, stack, redis, Watchman(folder), truth=world.healthy)
    at(stage, (world.healthy.host, world.healthy.port))
    stage.entry |= {"user": USER, "password": ECFLOW_SECRET}
    stage.good |= stage.entry
    stage.store = f"redis://watchman:{REDIS_SECRET}@127.0.0.1:{redis.port}/0"
    return stage


# ------------------------------------------------------------------------------------- the rows


@dataclass(frozen=True)
class Row:
    """One fault, what comes of it, and its line in the README."""

    id: str
    happens: str  # the README's words
    arrange: Callable[[Stage], object]
    says: str  # what must stand in the message; empty where there is none
    does: str  # the README's words
    code: int = 1
    kind: str | None = None  # in o/bad's health record; None where it is well, or none could be written
    attempts: int | None = None  # where the row always has that number
    deadline: float = 3.0
    connect_timeout: float = 3.0
    good: bool = True  # whether the healthy server's snapshot is written
    side: str = "ecFlow"
    lost: int = 0  # snapshots that the store did not take

    @property
    def line(self) -> str:
        """The row's line in the README."""
        said = f"`{self.says}`" if self.says else ""
        return f"| {self.happens} | {self.code} | {said} | {self.does} |"

    def said_in(self, text: str) -> bool:
        pattern = (
            re.escape(self.says)
            .replace("HOST:PORT", r"\S+:\d+")
            .replace("NAME", USER)
            .replace(r"N\ s", r"[\d.]+ s")
        )
        return re.search(pattern, text) is not None


def hang(stage: Stage) -> None:
    stage.fake(lambda connection: None)


def dead_port(stage: Stage) -> None:
    at(stage, ("127.0.0.1", free_port()))


def at(stage: Stage, address: tuple[str, int]) -> None:
    stage.entry |= {"host": address[0], "port": address[1]}


def unresolved(stage: Stage) -> None:
    stage.environment["RES_OPTIONS"] = "timeout:1 attempts:1"  # where no resolver can be reached
    at(stage, ("no-such-host.invalid.", 3141))


def without_network(stage: Stage) -> None:
    """Only a Unix socket leads out of the namespace in which it runs."""
    require_namespace("--net")
    home = stage.folder / "unix"
    home.mkdir()
    path = home / "socket"
    stage.redis.kill()
    stage.redis.arguments = (*stage.redis.arguments, "--unixsocket", str(path))
    stage.redis.start()
    stage.store = f"unix://watchman@{path}?password={REDIS_SECRET}"
    stage.prefix = ("unshare", "--net")


def silent_resolver(stage: Stage) -> None:
    """Name resolution asks a socket that nobody reads."""
    require_namespace("--mount")
    silent = stage.stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    silent.bind((f"127.53.{os.getpid() % 250}.{threading.get_native_id() % 250 + 1}", 53))
    config = stage.folder / "resolv.conf"
    config.write_text(f"nameserver {silent.getsockname()[0]}\n")
    script = f'mount --bind {config} /etc/resolv.conf && exec "$0" "$@"'
    stage.prefix = ("unshare", "--mount", "sh", "-c", script)
    at(stage, ("ecflow.example.org", 3141))


def a_byte_a_second(reply: Reply) -> None:
    for byte in reply.data:
        reply.connection.forward(bytes([byte]))
        threading.Event().wait(1)


def answer(stage: Stage, data: bytes) -> None:
    def behave(connection: Connection) -> None:
        connection.client.recv(1 << 16)
        connection.forward(data)

    stage.fake(behave)


def close(connection: Connection) -> None:
    connection.client.recv(1 << 16)
    connection.client.close()


def reset(connection: Connection) -> None:
    connection.client.recv(1 << 16)
    connection.reset()


def half_way(stage: Stage) -> None:
    stage.happened = happened = threading.Event()

    def behave(reply: Reply) -> None:
        if reply.before > 1 << 20:
            happened.set()
            reply.connection.client.shutdown(socket.SHUT_RDWR)
            raise OSError("closed half-way")
        reply.connection.forward(reply.data)

    stage.proxy(stage.world.large, behave)


def tls_server(stage: Stage) -> None:
    home = stage.world.certificates(stage.folder / "tls")
    stage.own_server("", ECF_SSL="1", HOME=str(home))


def half_way_over_tls(stage: Stage) -> None:
    home = stage.world.certificates(stage.folder)
    stage.entry["protocol"] = "ssl"
    stage.happened = happened = threading.Event()

    def behave(reply: Reply) -> None:
        if reply.connection.number and reply.before:  # the handshake comes first
            happened.set()
            reply.connection.forward(reply.data[: len(reply.data) // 2])
            raise OSError("closed half-way")
        reply.connection.forward(reply.data)

    stage.proxy(stage.own_server("", ECF_SSL="1", HOME=str(home)), behave)


def plain_server(stage: Stage) -> None:
    stage.world.certificates(stage.folder)
    stage.entry["protocol"] = "ssl"


def no_certificate(stage: Stage) -> None:
    stage.entry["protocol"] = "ssl"


def no_handshake(stage: Stage) -> None:
    plain_server(stage)
    answer(stage, b"\x15\x03\x03\x00\x02\x02\x28")  # a fatal alert


def stopped_for_a_while(stage: Stage) -> None:
    server = stage.world.large
    stage.happened = happened = threading.Event()

    def behave(reply: Reply) -> None:
        reply.connection.forward(reply.data)
        if reply.before > 1 << 20 and not happened.is_set():
            happened.set()
            assert server.process
            server.process.send_signal(signal.SIGSTOP)
            stage.stack.callback(server.process.send_signal, signal.SIGCONT)
            threading.Timer(0.7, server.process.send_signal, [signal.SIGCONT]).start()

    stage.proxy(server, behave)


MEDIUM = f"suite s\n{families(20, 100)}endsuite\n"


def killed(stage: Stage, again: bool) -> None:
    server = stage.own_server(MEDIUM)
    server.checkpt()
    stage.happened = happened = threading.Event()

    def behave(reply: Reply) -> None:
        if not reply.connection.number or happened.is_set():
            reply.connection.forward(reply.data)
            return
        happened.set()
        reply.connection.forward(reply.data[: len(reply.data) // 2])
        server.kill()
        if again:
            server.start()
        raise OSError("its server is dead")

    stage.proxy(server, behave)


def refused_by_white_list(stage: Stage) -> None:
    lists = stage.folder / "lists"
    lists.write_text("4.4.14\nsomebody\n")
    stage.own_server("", ECF_LISTS=str(lists))


def wrong_password(stage: Stage) -> None:
    stage.own_server("")
    stage.entry["password"] = ECFLOW_SECRET[::-1]


def other_version(stage: Stage) -> None:
    server = stage.own_server(MEDIUM)
    stage.proxy(server, lambda reply: reply.connection.forward(reply.data.replace(b"5.9.2", b"5.9.8")))


def vanishing(stage: Stage) -> None:
    server = stage.own_server(MEDIUM)
    stage.happened = happened = threading.Event()

    def behave(reply: Reply) -> None:
        if reply.connection.number == 0 and not reply.before:
            happened.set()
            server.delete_all(True)
        reply.connection.forward(reply.data)

    stage.proxy(server, behave)


def deep(stage: Stage) -> None:
    names = ["_", "0", "9.9.9", "a.b_c", "__.__", "Z" * 250, "007", "e" + ".1" * 60]
    tasks = "".join(f"task {name}\n" for name in names)
    suites = "".join(f"suite {name}\nfamily {name}\n{tasks}endfamily\nendsuite\n" for name in names)
    levels = "".join(f"family {names[level % 8]}\n" for level in range(100))
    stage.own_server(f"{suites}suite deep\n{levels}{tasks}" + "endfamily\n" * 100 + "endsuite\n")


REAL = """
import os, sys
here = os.path.dirname(__file__)
sys.path.remove(here)
del sys.modules["ecflow"]
import ecflow
client = ecflow.Client
"""


DUMPING = ("prlimit", "--core=unlimited")  # a core dump would be left in the working directory


def crashing_at_once(stage: Stage) -> None:
    stage.prefix = DUMPING
    stage.interpreter("import ctypes; ctypes.string_at(0)")


def crashing(stage: Stage) -> None:
    hang(stage)
    stage.prefix = DUMPING
    port = stage.entry["port"]
    stage.interpreter(
        f"""{REAL}
def crash(host, port):
    if port == {port}:
        import ctypes
        ctypes.string_at(0)
    return client(host, port)
ecflow.Client = crash
"""
    )


def bindings_hang(stage: Stage) -> None:
    dead_port(stage)  # entries of one address would be read in turn
    stage.interpreter("import time; time.sleep(99)")


def noisy(stage: Stage) -> None:
    stage.interpreter(
        f"""{REAL}
def noise(*_):
    os.write(1, b"Connection refused, timed out, authentication failed\\n" * 2000)
    os.write(2, b"\\xff\\x00\\x1b[31m" * 2000)
def noisy(host, port):
    noise()
    return client(host, port)
noise()
ecflow.Client = noisy
"""
    )


def kill_probe(stage: Stage, signum: int) -> None:
    stage.fake(lambda connection: os.kill(stage.probe_of(connection), signum))


def short_of_memory(stage: Stage) -> None:
    answer(stage, b"ffffffff" + b"x" * 100)
    stage.prefix = ("prlimit", f"--as={3 << 30}")


ECFLOW_ROWS = (
    Row(
        "refused",
        "Nothing listens at the server's port",
        dead_port,
        "connection refused",
        "tried again",
        kind="refused",
        attempts=2,
    ),
    Row(
        "black hole",
        "A firewall or a dead host drops the packets",
        lambda stage: at(stage, stage.stack.enter_context(black_hole())),
        "no answer from HOST:PORT within N s",
        "tried again until the deadline",
        kind="no answer",
        attempts=2,
        deadline=1.5,
        connect_timeout=0.5,
    ),
    Row(
        "unreachable",
        "The network is down",
        without_network,
        "the host cannot be reached",
        "tried again",
        kind="unreachable",
        attempts=2,
        good=False,
    ),
    Row(
        "unresolved",
        "The host's name does not resolve",
        unresolved,
        "the host's name does not resolve",
        "tried again",
        kind="unresolved",
        attempts=2,
        deadline=5,
        connect_timeout=2,
    ),
    Row(
        "silent resolver",
        "The resolver does not answer",
        silent_resolver,
        "no answer from HOST:PORT within N s",
        "tried again until the deadline; the resolver's wait is ended by killing the probe",
        kind="no answer",
        attempts=2,
        deadline=1.5,
        connect_timeout=0.5,
    ),
    Row(
        "hangs",
        "The server accepts and never answers",
        hang,
        "no answer from HOST:PORT within N s",
        "tried again until the deadline",
        kind="no answer",
        attempts=2,
        deadline=1.5,
        connect_timeout=0.5,
    ),
    Row(
        "trickles",
        "It answers one byte a second",
        lambda stage: stage.proxy(stage.world.healthy, a_byte_a_second),
        "no answer from HOST:PORT within N s",
        "tried again until the deadline, which bounds the whole answer",
        kind="no answer",
        attempts=2,
        deadline=1.5,
        connect_timeout=0.5,
    ),
    Row(
        "garbage",
        "It answers what is not ecFlow's protocol",
        lambda stage: answer(stage, b"\xff\xfe\x00 garbage" * 50),
        "what answers there does not speak ecFlow's protocol",
        "not tried again",
        kind="protocol",
        attempts=1,
    ),
    Row(
        "garbage of ecFlow's length",
        "It answers with ecFlow's header, and garbage",
        lambda stage: answer(stage, b'      14{"value0": {"x": 1}}'),
        "what answers there does not speak ecFlow's protocol",
        "not tried again",
        kind="protocol",
        attempts=1,
    ),
    Row(
        "wild length",
        "It answers with a length that no reply has",
        lambda stage: answer(stage, b"-0000001" + b"x" * 100),
        "what answers there does not speak ecFlow's protocol",
        "not tried again",
        kind="protocol",
        attempts=1,
    ),
    Row(
        "half-way",
        "It closes half-way through a reply of 100,000 nodes",
        half_way,
        "the server closed the connection",
        "tried again, in full; nothing of the half is written",
        kind="reset",
        attempts=2,
        deadline=20,
        connect_timeout=10,
    ),
    Row(
        "half-way over TLS",
        "It closes half-way through a reply over TLS",
        half_way_over_tls,
        "the server closed the connection",
        "tried again",
        kind="reset",
        attempts=2,
    ),
    Row(
        "closes",
        "It closes every connection without a word",
        lambda stage: stage.fake(close),
        "the server closed the connection",
        "tried again",
        kind="reset",
        attempts=2,
    ),
    Row(
        "resets",
        "It resets the connection",
        lambda stage: stage.fake(reset),
        "the server closed the connection",
        "tried again",
        kind="reset",
        attempts=2,
    ),
    Row(
        "HTTP",
        "An HTTP server listens there",
        lambda stage: at(stage, stage.stack.enter_context(http_server())),
        "an HTTP server answers there, not ecFlow",
        "not tried again",
        kind="protocol",
        attempts=1,
    ),
    Row(
        "TLS unexpected",
        "The server speaks TLS, and `ssl` is not set",
        tls_server,
        "the server speaks TLS, and ssl is not set",
        "not tried again; a handshake tells it from a server that was killed",
        kind="tls",
        attempts=1,
    ),
    Row(
        "TLS expected",
        "`ssl` is set, and the server speaks no TLS",
        plain_server,
        "ssl is set, and the server speaks no TLS",
        "not tried again",
        kind="tls",
        attempts=1,
    ),
    Row(
        "no certificate",
        "`ssl` is set, and the user who runs watchman has no certificate of the server",
        no_certificate,
        "no certificate of the server in ~/.ecflowrc/ssl",
        "not tried again",
        kind="tls",
        attempts=1,
    ),
    Row(
        "handshake",
        "`ssl` is set, and the TLS handshake fails",
        no_handshake,
        "the TLS handshake failed",
        "not tried again",
        kind="tls",
        attempts=1,
    ),
    Row(
        "stopped for a while",
        "The server stops in the middle of a reply, and comes back",
        stopped_for_a_while,
        "",
        "written, if it comes back within the deadline",
        code=0,
        deadline=20,
        connect_timeout=10,
    ),
    Row(
        "killed",
        "The server is killed in the middle of a reply",
        lambda stage: killed(stage, again=False),
        "the server closed the connection",
        "tried again",
        kind="reset",
        attempts=2,
    ),
    Row(
        "killed and started",
        "The server is killed in the middle of a reply, and started again",
        lambda stage: killed(stage, again=True),
        "",
        "tried again, in full, and written",
        code=0,
        attempts=2,
        deadline=10,
    ),
    Row(
        "white list",
        "The server's white list (`ECF_LISTS`) does not have the user",
        refused_by_white_list,
        "the server refused the user NAME",
        "not tried again",
        kind="authentication",
        attempts=1,
    ),
    Row(
        "wrong password",
        "The password is not that of the server's password file",
        wrong_password,
        "the server refused the user NAME",
        "not tried again",
        kind="authentication",
        attempts=1,
    ),
    Row(
        "unknown user",
        "The server's password file does not have the user",
        lambda stage: stage.own_server("", user="somebody"),
        "the server refused the user NAME",
        "not tried again",
        kind="authentication",
        attempts=1,
    ),
    Row(
        "other version",
        "The server says that it is of another version",
        other_version,
        "",
        "written, if its replies can be read; the health record has the version",
        code=0,
    ),
    Row(
        "no suites",
        "The server has no suites",
        lambda stage: stage.own_server(""),
        "",
        "written: `/`, `unknown`",
        code=0,
    ),
    Row(
        "suites vanish",
        "All suites are deleted during the run",
        vanishing,
        "",
        "written as the server was when it was asked for its nodes",
        code=0,
    ),
    Row(
        "deep and odd",
        "The nodes are nested 100 deep, and have the oddest names that ecFlow allows",
        deep,
        "",
        "written",
        code=0,
    ),
    Row(
        "no bindings",
        "No interpreter has the ecFlow bindings",
        lambda stage: stage.interpreter("", "-S -E"),
        "no Python with the ecflow bindings",
        "no server is asked, every snapshot is kept; says how to get them",
        kind="bindings",
        attempts=1,
        good=False,
    ),
    Row(
        "bindings crash at once",
        "Importing the bindings crashes the interpreter",
        crashing_at_once,
        "importing them ended the interpreter (SIGSEGV)",
        "the same",
        kind="bindings",
        attempts=1,
        good=False,
    ),
    Row(
        "bindings hang",
        "Importing the bindings does not end",
        bindings_hang,
        "the ecflow bindings were not imported in time",
        "the same, at the deadline",
        kind="bindings",
        attempts=1,
        deadline=1.5,
        good=False,
    ),
    Row(
        "bindings crash",
        "The bindings crash over one server",
        crashing,
        "the probe died (SIGSEGV)",
        "not tried again",
        kind="crashed",
        attempts=1,
    ),
    Row(
        "bindings are noisy",
        "The bindings print",
        noisy,
        "",
        "written; nothing of it is shown",
        code=0,
    ),
    Row(
        "probe killed",
        "The kernel kills a probe for want of memory",
        lambda stage: kill_probe(stage, signal.SIGKILL),
        "the probe was killed, perhaps by the kernel for want of memory (SIGKILL)",
        "not tried again; the kernel is told to choose a probe before anything else",
        kind="crashed",
        attempts=1,
    ),
    Row(
        "memory",
        "The server says that its reply is of 4 GB, and a limit (`ulimit -v`) forbids that",
        short_of_memory,
        "no memory for what the server sent",
        "not tried again",
        kind="crashed",
        attempts=1,
    ),
)


# ---------------------------------------------------------------------------- and Redis's side


def signalled(server: EcflowServer | RedisServer, signum: int) -> None:
    assert server.process
    server.process.send_signal(signum)


def wrong_redis_password(stage: Stage) -> None:
    stage.store = stage.store.replace(REDIS_SECRET, REDIS_SECRET[::-1])


def forbidden_key(stage: Stage) -> None:
    stage.redis.client.execute_command("ACL", "SETUSER", "watchman", "resetkeys", "~o/good/*", "~{o/good/*")


def replica(stage: Stage) -> None:
    home = stage.folder / "replica"
    home.mkdir()
    arguments = ("--aclfile", str(stage.folder / "users"), "--replicaof", f"127.0.0.1 {stage.redis.port}")
    stage.redis.client.config_set("repl-diskless-sync-delay", 0)
    copy = RedisServer(home, arguments)
    stage.stack.callback(copy.stop)
    copy.start()
    await_true(lambda: follows(copy), "the replica did not follow")
    stage.store = stage.store.replace(str(stage.redis.port), str(copy.port))


def follows(server: RedisServer) -> bool:
    with suppress(driver.RedisError):
        found: Any = server.client.info("replication")
        return bool(found["master_link_status"] == "up")
    return False


def in_mid_run(stage: Stage, happens: Callable[[RedisServer], None]) -> None:
    """Have something happen to Redis when it has lent both servers, and neither was read yet."""
    stage.happened = happened = threading.Event()

    def happening() -> None:
        happened.set()
        happens(stage.redis)

    both = threading.Barrier(2, action=happening)

    def behave(reply: Reply) -> None:
        if reply.connection.number == 0 and not reply.before:
            both.wait(10)
        reply.connection.forward(reply.data)

    for entry in (stage.good, stage.entry):
        proxy = Proxy(stage.world.healthy.port, behave)
        stage.stack.enter_context(proxy)
        entry |= {"host": proxy.host, "port": proxy.port}


def restart(redis: RedisServer) -> None:
    redis.kill()
    redis.start()


def loading(stage: Stage, seconds: float) -> None:
    """Have Redis be loading its data set for so long."""
    home = stage.folder / "loading"
    home.mkdir()
    a_key = 0.05
    options = {
        "aclfile": str(stage.folder / "users"),
        "key-load-delay": str(int(a_key * 1e6)),
        "loading-process-events-interval-bytes": "1024",
    }
    server = RedisServer(home, [word for name in options for word in (f"--{name}", options[name])])
    stage.stack.callback(server.stop)
    server.start()
    for key, value in stage.world.seeds.items():
        server.client.set(key, value)
    with driver.Redis(port=server.port, db=1) as other:
        other.mset({f"key{number}": os.urandom(2048) for number in range(int(seconds / a_key))})
    server.client.save()
    server.kill()
    server.start(wait=False)
    stage.store = stage.store.replace(str(stage.redis.port), str(server.port))
    stage.redis = server


def another_type(stage: Stage, what: str) -> None:
    stage.redis.client.delete(redis_key(BAD, what))
    stage.redis.client.rpush(redis_key(BAD, what), "a", "b")


def not_ours(stage: Stage, what: str) -> None:
    stage.redis.client.set(redis_key(BAD, what), b'{"of": ["another", "program", 1]}')


def set_back(stage: Stage) -> None:
    """What is in the store was written by a clock that was an hour ahead."""
    ahead = timedelta(hours=1)
    for what in ("status", "health"):
        key = redis_key(BAD, what)
        value = stage.value(key) or b""
        for time_ in set(re.findall(rb"20\d\d-\d\d-\d\dT[0-9:.]+\+00:00", value)):
            later = datetime.fromisoformat(time_.decode()) + ahead
            value = value.replace(time_, later.isoformat(timespec="microseconds").encode())
        stage.redis.client.set(key, value)
    decoded = memory.decode_head(stage.value(redis_key(BAD, "sync")) or b"")
    assert decoded
    known, start = decoded
    later = datetime.fromisoformat(known.full_time) + ahead
    shape = (stage.value(redis_key(BAD, "sync")) or b"")[start:]
    forged = memory.encode(replace(known, full_time=later.isoformat(timespec="microseconds")), shape)
    stage.redis.client.set(redis_key(BAD, "sync"), forged)


NOT_READ = "every snapshot there stays as it is, and no server is asked"
REDIS_ROWS = tuple(
    replace(row, side="Redis")
    for row in (
        Row(
            "refused",
            "Redis: nothing listens at its port",
            lambda stage: stage.redis.kill(),
            "cannot be reached: Connection refused",
            f"tried again until the deadline; {NOT_READ}",
            code=3,
            good=False,
            deadline=2,
        ),
        Row(
            "hangs",
            "Redis accepts and hangs",
            lambda stage: signalled(stage.redis, signal.SIGSTOP),
            "no answer in N s",
            "the same, an answer being waited for a quarter of the deadline, 5 s at most",
            code=3,
            good=False,
            deadline=2,
        ),
        Row(
            "wrong password",
            "Redis refuses the user or the password",
            wrong_redis_password,
            "refused the user or password",
            f"not tried again; {NOT_READ}",
            code=3,
            good=False,
        ),
        Row(
            "forbidden key",
            "Redis's ACL forbids the keys of one server",
            forbidden_key,
            "the user may not do this there",
            "not tried again; the others are written",
            code=3,
            lost=1,
        ),
        Row(
            "replica",
            "Redis is a read-only replica",
            replica,
            "it is a read-only replica; it was not read",
            "not tried again; no server is asked",
            code=3,
            good=False,
            lost=2,
        ),
        Row(
            "out of memory",
            "Redis is full (`maxmemory`, and nothing may be evicted)",
            lambda stage: stage.redis.client.config_set("maxmemory", 1),
            "it is out of memory (maxmemory); it was not read",
            "not tried again; every snapshot there stays as it is",
            code=3,
            good=False,
            lost=2,
        ),
        Row(
            "restarted",
            "Redis is restarted during the run",
            lambda stage: in_mid_run(stage, restart),
            "",
            "tried again, and written",
            code=0,
        ),
        Row(
            "killed",
            "Redis is killed during the run, and does not come back",
            lambda stage: in_mid_run(stage, lambda redis: redis.kill()),
            "its snapshot was read, and is lost",
            "tried again until the deadline; says how many snapshots were lost",
            code=3,
            good=False,
            lost=2,
            deadline=2,
        ),
        Row(
            "hangs later",
            "Redis hangs during the run, and does not come back",
            lambda stage: in_mid_run(stage, lambda redis: signalled(redis, signal.SIGSTOP)),
            "its snapshot was read, and is lost",
            "the same",
            code=3,
            good=False,
            lost=2,
            deadline=2,
        ),
        Row(
            "loads",
            "Redis is loading its data set",
            lambda stage: loading(stage, 1),
            "",
            "tried again, and written, if that ends within the deadline",
            code=0,
            deadline=10,
        ),
        Row(
            "loads for long",
            "Redis is loading its data set, for longer than the deadline",
            lambda stage: loading(stage, 4),
            "still loading its data set",
            f"tried again until the deadline; {NOT_READ}",
            code=3,
            good=False,
            deadline=2,
        ),
        *(
            Row(
                f"{what} of another type",
                f"`{what}` in Redis is a key of another type",
                lambda stage, what=what: another_type(stage, what),  # type: ignore[misc]
                "",
                "written over",
                code=0,
            )
            for what in ("status", "health", "sync", "lock")
        ),
        *(
            Row(
                f"{what} not ours",
                f"`{what}` in Redis is a value that is not watchman's",
                lambda stage, what=what: not_ours(stage, what),  # type: ignore[misc]
                "",
                does,
                code=0,
            )
            for what, does in (
                ("status", "written over"),
                ("health", "written over"),
                ("sync", "a full sync is made, and it is written over"),
                ("lock", "taken over, since it does not expire as a run's does"),
            )
        ),
        Row(
            "clock set back",
            "The clock was set back, so the snapshot in the store is of the future",
            set_back,
            "",
            "written: the newer reading counts, not the later time",
            code=0,
        ),
    )
)
ROWS = ECFLOW_ROWS + REDIS_ROWS


def table() -> str:
    """The README's table of what goes wrong."""
    head = ("| what happens | exit code | message | action |", "| --- | --- | --- | --- |")
    return "\n".join([*head, *(row.line for row in ROWS)])


# -------------------------------------------------------------------------------------- the test

AS_JSON = ("-v", "--log-format", "json")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.side}: {row.id}")
def test_fault(row: Row, world: World, tmp_path: Path) -> None:
    for arguments in ((), AS_JSON):
        with ExitStack() as stack:
            folder = tmp_path / ("json" if arguments else "plain")
            folder.mkdir()
            stage = staged(world, folder, stack)
            row.arrange(stage)
            limits = {"deadline": row.deadline, "connect_timeout": row.connect_timeout, "attempts": 2}
            stage.entry |= limits
            stage.good |= limits

            result = stage.collect(*arguments)

            assert result.code == row.code, result.err
            assert stage.happened is None or stage.happened.is_set()
            assert stage.left() == []
            assert list(stage.temporary.iterdir()) == [] == list(stage.folder.glob("core*"))
            restore(stage.redis)
            check_store(row, stage)
            check_said(row, stage, result.err, as_json=bool(arguments))
            check_secrets(stage, result)


def restore(redis: RedisServer) -> None:
    """Have Redis be there, so that what it holds can be seen."""
    assert redis.process
    if redis.process.poll() is not None:
        redis.start()
    redis.process.send_signal(signal.SIGCONT)

    def ready() -> bool:
        with suppress(driver.RedisError):
            return bool(redis.client.ping())
        return False

    await_true(ready, "Redis did not come back")
    redis.client.config_set("maxmemory", 0)


def check_store(row: Row, stage: Stage) -> None:
    """The healthy server's snapshot is new, o/bad's is new or byte for byte what it was, health tells."""
    seeds = stage.world.seeds
    if row.good:
        check_written(row, stage, GOOD, stage.world.healthy)
    elif row.code == 3:
        assert all(
            stage.value(redis_key(GOOD, what)) == seeds[redis_key(GOOD, what)]
            for what in ("status", "health")
        )
    if row.code == 0:
        assert stage.truth
        check_written(row, stage, BAD, stage.truth)
    else:
        assert stage.value(redis_key(BAD, "status")) == seeds[redis_key(BAD, "status")]
    if row.code == 3:
        assert stage.value(redis_key(BAD, "health")) == seeds[redis_key(BAD, "health")]
    if row.kind:
        health = health_of(stage.redis.client, BAD)
        assert health and schema.is_valid("health", health)
        assert (health["ok"], health["failures"], health["error"]["kind"]) == (False, 1, row.kind)
        assert row.said_in(health["error"]["message"])
        assert health["collected_time"] == json.loads(seeds[redis_key(BAD, "status")])["collected_time"]
        assert health["attempts"] == row.attempts
    for key in [key for key in stage.kept() if key.endswith("/lock")]:
        left: Any = stage.redis.client.pttl(key)
        assert row.lost and 0 < left < (row.deadline + 6) * 1000
    assert stage.world.healthy.handles() == []


def check_written(row: Row, stage: Stage, name: str, truth: EcflowServer) -> None:
    """A snapshot of this run, which equals an independent full sync."""
    found, independent = status_of(stage.redis.client, name), truth.snapshot()
    assert found and schema.is_valid("snapshot", found)
    assert records_of(found) == independent["records"]
    assert found["server_state"] == independent["server_state"]
    age = datetime.now(timezone.utc) - datetime.fromisoformat(found["collected_time"])
    assert timedelta(0) < age
    assert found["collected_time"] > json.loads(stage.world.seeds[f"{name}/status"])["collected_time"]
    health = health_of(stage.redis.client, name)
    assert health and schema.is_valid("health", health)
    assert (health["ok"], health["failures"], health["error"]) == (True, 0, None)
    if name == BAD and row.attempts:
        assert health["attempts"] == row.attempts
    assert health["collected_time"] == found["collected_time"]


def check_said(row: Row, stage: Stage, err: str, as_json: bool) -> None:
    """A line for the server that failed: who, what, and what was kept. Nothing, where nothing failed."""
    if as_json:
        lines = map(json.loads, err.splitlines())
        failures = [each for each in lines if each["level"] in ("error", "warning")]
        told = [f"{each['server']}: {each['message']}" for each in failures]
        assert all(each.get("kind") in (row.kind, None) for each in failures)
    else:
        told = err.splitlines()
    assert all(len(line) < (500 if row.kind == "bindings" else 300) and line.isprintable() for line in told)
    if row.code == 0:
        assert told == []
        return
    whose = "watchman: " if row.kind == "bindings" or (row.code == 3 and not row.lost) else f"{BAD}: "
    (line,) = [line for line in told if line.startswith(whose) and "snapshots of" not in line]
    assert row.said_in(line)
    if row.code == 3:
        ending = [
            f"watchman: the snapshots of {row.lost} server{'s were' if row.lost > 1 else ' was'} not written"
        ]
        assert [each for each in told if "snapshots of" in each] == (ending if row.lost else [])
        assert "redis://127.0.0.1:" in line
        return
    assert len(told) == (1 if row.good or row.kind == "bindings" else 2)
    if row.kind == "bindings":
        assert line.endswith("; 2 servers were not read, and their snapshots stay as they are")
        return
    kept = json.loads(stage.world.seeds[redis_key(BAD, "status")])["collected_time"][:19].replace("T", " ")
    assert line.endswith(f"; the snapshot of {kept} UTC is kept")
    tried = f"(tried {row.attempts} times)"
    assert (tried in line) == bool(row.attempts and row.attempts > 1)


def check_secrets(stage: Stage, result: Result) -> None:
    """No password in what is printed, in what is stored, or in the arguments of any process."""
    found = [result.out, result.err.encode(), *stage.cmdlines]
    found += [stage.value(key) or b"" for key in stage.kept()]
    for secret in (ECFLOW_SECRET, REDIS_SECRET, ECFLOW_SECRET[::-1], REDIS_SECRET[::-1]):
        assert not any(secret.encode() in each for each in found)
    assert any(b"collect" in each and b"watchman" in each for each in stage.cmdlines)
