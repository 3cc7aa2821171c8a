"""Real servers for the tests: ecFlow's and Redis, on free loopback ports and in temporary folders."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
import yaml

BINDINGS = Path(__file__).with_name("ecflow_agent.py")
ECFLOW_PYTHON = os.environ.get("WATCHMAN_ECFLOW_PYTHON", "/usr/bin/python3")
WATCHMAN = str(Path(sys.executable).with_name("watchman"))
READY_LIMIT = 30.0
# A command's prefix under which nobody, root neither, may read what its permissions forbid.
UNPRIVILEGED = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()


class EcflowError(Exception):
    """A request of the ecFlow server failed."""


def free_port() -> int:
    """A port that nothing listens on; ecflow_server refuses those above 49151."""
    while True:
        port = random.randint(20000, 32000)
        with socket.socket() as trial:
            try:
                trial.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port


def await_true(condition: Callable[[], Any], what: str, limit: float = READY_LIMIT) -> Any:
    """Poll until `condition` gives something true, and return that."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.01)


def accepts(port: int, host: str = "127.0.0.1") -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


@dataclass
class EcflowServer:
    """A real ecflow_server. Its methods, besides those below, are those of ecflow.Client."""

    home: Path
    port: int = field(default_factory=free_port)
    environment: Mapping[str, str] = field(default_factory=dict)
    prefix: Sequence[str] = ()
    process: subprocess.Popen[bytes] | None = None
    _bindings: subprocess.Popen[str] | None = None

    @property
    def host(self) -> str:
        return "127.0.0.1"

    def start(self) -> EcflowServer:
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("ECF_") and name != "WATCHMAN_STORE"
        }
        environment |= {"ECF_HOME": str(self.home), **self.environment}
        log = (self.home / "stdout").open("ab")
        with log:
            self.process = subprocess.Popen(
                [*self.prefix, "ecflow_server", f"--port={self.port}"],
                cwd=self.home,
                env=environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        await_true(lambda: accepts(self.port) or self._died(), "ecflow_server did not start")
        return self

    def _died(self) -> bool:
        if self.process and self.process.poll() is not None:
            raise RuntimeError(f"ecflow_server ended: {(self.home / 'stdout').read_text()}")
        return False

    def call(self, method: str, *arguments: Any) -> Any:
        """Make a request with the bindings. Raises EcflowError."""
        if self._bindings is None:
            self._bindings = subprocess.Popen(
                [ECFLOW_PYTHON, str(BINDINGS), self.host, str(self.port)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        assert self._bindings.stdin and self._bindings.stdout
        self._bindings.stdin.write(json.dumps([method, *arguments]) + "\n")
        self._bindings.stdin.flush()
        kind, result = json.loads(self._bindings.stdout.readline())
        if kind == "error":
            raise EcflowError(result)
        return result

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method.startswith("_"):
            raise AttributeError(method)
        return lambda *arguments: self.call(method, *arguments)

    def snapshot(self) -> dict[str, Any]:
        """An independent full sync: {"records": [[path, dstate], ...], "server_state": ...}."""
        found: dict[str, Any] = self.call("snapshot")
        return found

    def requests(self) -> int:
        """How many requests the server has logged."""
        logs = self.home.glob("*.ecf.log")
        return sum(line.startswith(b"MSG:") and b"] --" in line for log in logs for line in log.open("rb"))

    def kill(self, signum: int = signal.SIGKILL) -> None:
        if self.process:
            self.process.send_signal(signum)
            self.process.wait()
            await_true(lambda: not accepts(self.port), "ecflow_server did not end")

    def stop(self) -> None:
        if self._bindings:
            self._bindings.kill()
            self._bindings.wait()
            for pipe in (self._bindings.stdin, self._bindings.stdout):
                if pipe:
                    pipe.close()
            self._bindings = None
        if self.process and self.process.poll() is None:
            self.process.kill()  # on SIGTERM it would write a checkpoint first
            self.process.wait()


@dataclass
class RedisServer:
    """A real redis-server."""

    home: Path
    arguments: Sequence[str] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, socket_timeout=10)

    def start(self, wait: bool = True) -> RedisServer:
        with (self.home / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    "redis-server",
                    "--port",
                    str(self.port),
                    "--dir",
                    str(self.home),
                    "--save",
                    "",
                    *self.arguments,
                ],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        if wait:
            await_true(lambda: accepts(self.port), "redis-server did not start")
        return self

    def kill(self, signum: int = signal.SIGKILL) -> None:
        if self.process:
            self.process.send_signal(signum)
            self.process.wait()

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@dataclass(frozen=True)
class Watchman:
    """Runs the installed command as a user does, with a configuration of its own."""

    home: Path
    prefix: Sequence[str] = ()  # a command that runs it

    @property
    def config(self) -> Path:
        return self.home / "watchman.yaml"

    def configure(self, store: str | None, servers: Sequence[Mapping[str, Any]], **rest: Any) -> None:
        """Write the configuration; a server's `address` stands for its host and port."""
        entries = []
        for each in servers:
            entry = dict(each)
            if "address" in entry:
                address = entry.pop("address")
                entry |= {"host": address.host, "port": address.port}
            entries.append(entry)
        document = {**({"store": store} if store else {}), **rest, "servers": entries}
        self.config.write_text(yaml.safe_dump(document))
        self.config.chmod(0o600)

    def environment(self, **more: str) -> dict[str, str]:
        kept = ("PATH", "LANG", "WATCHMAN_ECFLOW_PYTHON")
        base = {name: os.environ[name] for name in kept if name in os.environ}
        return {**base, "HOME": str(self.home), **more}

    def start(
        self, *arguments: str, environment: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[bytes]:
        """Start the command, its output piped."""
        options = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            **options,
        }
        env = self.environment() if environment is None else dict(environment)
        command = [*self.prefix, WATCHMAN, *arguments]
        if arguments and "--config" not in arguments:
            command += ["--config", str(self.config)]
        return subprocess.Popen(command, cwd=self.home, env=env, **options)

    def run(self, *arguments: str, timeout: float = 120, **options: Any) -> Result:
        """Run the command to its end."""
        began = time.monotonic()
        with self.start(*arguments, **options) as process:
            try:
                out, err = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return Result(process.returncode, out or b"", (err or b"").decode(), time.monotonic() - began)

    def collect(self, *arguments: str, **options: Any) -> Result:
        return self.run("collect", *arguments, **options)


@dataclass(frozen=True)
class Result:
    """What a run of the command gave."""

    code: int
    out: bytes
    err: str
    seconds: float

    @property
    def text(self) -> str:
        return self.out.decode()


def read_terminal(terminal: int) -> bytes:
    """All that is printed on a terminal until its other end has closed; then it is closed."""
    text = b""
    with suppress(OSError):  # what is read of it then
        while chunk := os.read(terminal, 65536):
            text += chunk
    os.close(terminal)
    return text


def require(command: str) -> None:
    """Fail, never skip, where a server is not installed."""
    if shutil.which(command) is None:
        raise RuntimeError(f"{command} is not installed: run the tests with `make test`, which installs it")


def status_of(client: redis.Redis, name: str) -> dict[str, Any] | None:
    """The decoded snapshot of a server in Redis."""
    value: Any = client.get(f"{name}/status")
    return json.loads(value) if value else None


def health_of(client: redis.Redis, name: str) -> dict[str, Any] | None:
    """The decoded health record of a server in Redis."""
    value: Any = client.get(f"{name}/health")
    return json.loads(value) if value else None


def records_of(document: Mapping[str, Any]) -> list[list[str]]:
    """A snapshot's records, as EcflowServer.snapshot() gives them."""
    return [[record["path"], record["status"]] for record in document["status_records"]]
