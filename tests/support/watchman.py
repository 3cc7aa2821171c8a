"""The installed command, run as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.forked import base_environment, run_forked

WATCHMAN = str(Path(sys.executable).with_name("watchman"))
# A command's prefix under which nobody, root neither, may read what its permissions forbid.
UNPRIVILEGED = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()


LOST = (" was not written", " were not written")  # ends of a run's last line, about lost snapshots


@dataclass(frozen=True)
class Watchman:
    """Runs the installed command as a user does, with a configuration of its own."""

    home: Path
    prefix: Sequence[str] = ()  # a command that runs it
    forked: bool = False  # where nothing depends on how its process begins: see run_forked

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
        """Return the environment of a run: what it needs of this one's, and `more`."""
        return {**base_environment(), "HOME": str(self.home), **more}

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
        return subprocess.Popen([*self.prefix, *self._command(arguments)], cwd=self.home, env=env, **options)

    def _command(self, arguments: Sequence[str]) -> list[str]:
        configured = not arguments or "--config" in arguments
        return [WATCHMAN, *arguments, *(() if configured else ("--config", str(self.config)))]

    def run(
        self,
        *arguments: str,
        timeout: float = 120,
        environment: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Result:
        """Run the command to its end; with the options of Popen, it has a process of its own."""
        began = time.monotonic()
        env = self.environment() if environment is None else environment
        if self.forked and not self.prefix and not options:
            code, out, err = run_forked(self._command(arguments), str(self.home), env, timeout)
            return Result(code, out, err.decode(), time.monotonic() - began)
        with self.start(*arguments, environment=env, **options) as process:
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
    """Return all that is printed on a terminal until its other end has closed; then close it."""
    text = b""
    with suppress(OSError):  # what is read of it then
        while chunk := os.read(terminal, 65536):
            text += chunk
    os.close(terminal)
    return text
