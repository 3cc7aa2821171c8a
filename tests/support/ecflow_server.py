"""A real ecflow_server, of this machine or of another Debian release, and an operator's way to it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.agents import ask_agent
from tests.support.loopback import accepts, await_true, free_port
from tests.support.release import HERE, Release


class EcflowError(Exception):
    """A request of the ecFlow server failed."""


@dataclass
class EcflowServer:
    """A real ecflow_server. Its methods, besides those below, are those of ecflow.Client.

    With a `release`, the server and the agent's bindings are those of that Debian release.
    """

    home: Path
    port: int = field(default_factory=free_port)
    environment: Mapping[str, str] = field(default_factory=dict)
    arguments: Sequence[str] = ()
    prefix: Sequence[str] = ()
    release: Release = HERE
    process: subprocess.Popen[bytes] | None = None
    second: int = 0  # of its last start, or the one after; as time.time()

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
                [
                    *self.prefix,
                    *self.release.command("ecflow_server", f"--port={self.port}", *self.arguments),
                ],
                cwd=self.home,
                env=environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        await_true(lambda: accepts(self.port) or self._died(), "ecflow_server did not start")
        self.second = int(time.time())
        return self

    def await_next_second(self) -> None:
        """Wait until the second of its start is over: what was read in it is not used by the next run."""
        await_true(lambda: time.time() >= self.second + 1, "the clock stands still")

    def _died(self) -> bool:
        if self.process and self.process.poll() is not None:
            raise RuntimeError(f"ecflow_server ended: {(self.home / 'stdout').read_text()}")
        return False

    def call(self, method: str, *arguments: Any) -> Any:
        """Make a request with the bindings; raise EcflowError where it fails."""
        kind, result = ask_agent(self.release, [self.host, self.port, method, *arguments])
        if kind == "error":
            raise EcflowError(result)
        return result

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method.startswith("_"):
            raise AttributeError(method)
        return lambda *arguments: self.call(method, *arguments)

    def make_alias(self, task: str) -> None:
        """Give a task an alias that does not run: bindings before 5.9 have no method for it."""
        script = self.home / "alias.ecf"
        script.write_text("#!/bin/sh\n")
        client = self.release.command("ecflow_client", "--host=127.0.0.1", f"--port={self.port}")
        edit = ["--edit_script", task, "submit_file", str(script), "create_alias", "no_run"]
        subprocess.run([*client, *edit], check=True, capture_output=True)

    def snapshot(self) -> dict[str, Any]:
        """Return an independent full sync: {"records": [[path, dstate], ...], "server_state": ...}."""
        found: dict[str, Any] = self.call("snapshot")
        return found

    def requests(self) -> int:
        """Return how many requests the server has logged."""
        logs = self.home.glob("*.ecf.log")
        return sum(line.startswith(b"MSG:") and b"] --" in line for log in logs for line in log.open("rb"))

    def kill(self, signum: int = signal.SIGKILL) -> None:
        if self.process:
            self.process.send_signal(signum)
            self.process.wait()
            await_true(lambda: not accepts(self.port), "ecflow_server did not end")

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()  # on SIGTERM it would write a checkpoint first
            self.process.wait()
