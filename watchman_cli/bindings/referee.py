"""Runs the bindings in a process of their own, kills it at the deadline, and takes what it read."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from watchman_cli.bindings.failures import (
    BindingsFailed,
    BindingsMissing,
    classify_failure,
    describe_exit,
)
from watchman_cli.ecflow_client import Access
from watchman_cli.ecflow_client.details import DETAILS
from watchman_cli.snapshot import SINCE_SHOWN, StatusRecord

SCRIPT = Path(__file__).with_name("script.py")
NOT_IMPORTED = "the ecflow bindings were not imported in time"
UNPROVED = "the bindings do not check the certificate of an https server: set `reader: protocol`"
AT_ONCE = os.cpu_count() or 1  # processes that read: they compute, and each holds a whole definition
# The details that the bindings are asked for.
VERIFIED = tuple(detail for detail in DETAILS if detail.method)
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"


class Bindings(NamedTuple):
    """Where the ecflow bindings were found."""

    interpreter: str
    version: str
    python: str


class BindingsReading(NamedTuple):
    """What the bindings read of a server, in full.

    `cut` has the paths of nodes that have a text of several lines, of which the bindings read the first. Then
    the nodes after them may be others than on the server. `lines` is the definition as the bindings write it,
    with a character for each byte, if it was asked for: secrets are in it.
    """

    bindings: Bindings
    server_version: str
    server_state: str
    numbers: tuple[int, int]  # state_change_no and modify_change_no
    records: list[StatusRecord]
    cut: frozenset[str] = frozenset()
    lines: str | None = None


class Referee:
    """Finds an interpreter that has the bindings, and reads servers with it.

    `named` is the interpreter that the user chose. Without one the current interpreter is tried, then
    /usr/bin/python3. `stop` kills whatever is being read.
    """

    def __init__(self, named: str | None = None) -> None:
        self._named = named
        self._bindings: Bindings | None = None
        self._missing: BindingsMissing | None = None
        self._lock = threading.Lock()
        self._room = threading.Semaphore(AT_ONCE)
        self._running: set[subprocess.Popen[bytes]] = set()
        self.stopped = False

    def find(self, deadline: float) -> Bindings:
        """Return where the bindings are, no later than `deadline`, a time.monotonic().

        Raises BindingsMissing if no interpreter has them, BindingsFailed if the time is over.
        """
        if not self._lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise BindingsFailed("bindings", NOT_IMPORTED)
        try:
            if self._missing is not None:
                raise self._missing
            if self._bindings is None:
                self._bindings = self._search(deadline)
            return self._bindings
        finally:
            self._lock.release()

    def _search(self, deadline: float) -> Bindings:
        tried = []
        for interpreter in _candidates(self._named):
            try:
                lines = self._run(interpreter, {}, deadline)
            except BindingsFailed as error:
                raise BindingsFailed("bindings", NOT_IMPORTED) from error
            hello = _object(lines[0]) if lines else {}
            if "ecflow" in hello:
                return Bindings(interpreter, str(hello["ecflow"]), str(hello["python"]))
            tried.append(f"{interpreter}: {_import_error(hello)}")
        self._missing = BindingsMissing("; ".join(tried))
        raise self._missing

    def read(
        self,
        access: Access,
        suites: Sequence[str],
        marker: str,
        deadline: float,
        server_version: str | None = None,
        *,
        with_lines: bool = False,
    ) -> BindingsReading:
        """Return a full reading of a server, with its lines if they are wanted.

        Raises BindingsMissing or BindingsFailed.

        Over https none is made: the bindings take any certificate, and send the token and the password to
        whichever server has it (HttpClient.cpp).
        """
        if access.protocol == "https":
            raise BindingsFailed("bindings", UNPROVED)
        bindings = self.find(deadline)
        job = {
            "host": access.host,
            "port": access.port,
            "protocol": access.protocol,
            "user": access.user,
            "password": access.password,
            "certificate": access.certificate,
            "tokens": access.tokens,
            "suites": list(suites),
            "marker": marker,
            "details": [detail.method for detail in VERIFIED],
            "lines": with_lines,
            "patience": max(1.0, deadline - time.monotonic()),
        }
        if not self._room.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise BindingsFailed("no answer", "no answer in time", transient=True)
        try:
            lines = self._run(bindings.interpreter, job, deadline)
        finally:
            self._room.release()
        found = _object(lines[1]) if len(lines) > 1 else {}
        if "error" in found:
            raise classify_failure(str(found["error"]), bindings.version, server_version)
        try:
            return _reading(bindings, found)
        except (KeyError, TypeError, ValueError) as error:
            raise BindingsFailed("crashed", "the bindings' process gave no reading") from error

    def _run(self, interpreter: str, job: dict[str, Any], deadline: float) -> list[bytes]:
        """Run the script over a job, and return the lines that it wrote. Raises BindingsFailed."""
        environment = {name: value for name, value in os.environ.items() if name != "WATCHMAN_STORE"}
        try:
            process = subprocess.Popen(
                [interpreter, str(SCRIPT)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,  # a terminal's Ctrl-C is for us, who end the process
            )
        except OSError as error:
            return [orjson.dumps({"import_error": error.strerror or str(error)})]
        self._running.add(process)
        try:
            if self.stopped:
                raise BindingsFailed("no answer", "the run was ended")
            with suppress(OSError):  # no /proc: then the kernel chooses by size when memory is short
                Path(f"/proc/{process.pid}/oom_score_adj").write_text("1000")
            out, _ = process.communicate(orjson.dumps(job), max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            raise BindingsFailed("no answer", "no answer in time", transient=True) from error
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
            self._running.discard(process)
        lines = out.splitlines()
        if process.returncode:
            how = describe_exit(process.returncode)
            if lines:
                raise BindingsFailed("crashed", f"the bindings' process died ({how})")
            return [orjson.dumps({"import_error": f"importing them ended the interpreter ({how})"})]
        return lines

    def stop(self) -> None:
        """Kill every process that reads, and start no more."""
        self.stopped = True
        for process in list(self._running):
            process.kill()


def _candidates(named: str | None) -> list[str]:
    if named:
        return [named]
    found = [sys.executable] if sys.executable and find_spec("ecflow") else []
    system = "/usr/bin/python3"
    if Path(system).exists() and not (found and Path(sys.executable).samefile(system)):
        found.append(system)
    return found or [sys.executable or "python3"]


def _object(line: bytes) -> dict[str, Any]:
    """Return the JSON object in a line, or an empty one."""
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def _import_error(hello: dict[str, Any]) -> str:
    return " ".join(str(hello.get("import_error", "it gave no answer")).split())[:200]


def _reading(bindings: Bindings, found: dict[str, Any]) -> BindingsReading:
    """Return the script's output, with the words of a snapshot's records."""
    records = [StatusRecord("/", str(found["state"]))]
    is_time = re.compile(_TIME).match
    for path, status, time_, values in found["nodes"]:
        since = f"{time_[:19]}+00:00" if status in SINCE_SHOWN and is_time(time_) else None
        record = StatusRecord(str(path), str(status), since)
        records.append(record.with_details(_details(values)))
    return BindingsReading(
        bindings=bindings,
        server_version=str(found["version"] or ""),
        server_state=str(found["server_state"]),
        numbers=(int(found["state_change_no"]), int(found["modify_change_no"])),
        records=records,
        cut=frozenset(map(str, found["cut"])),
        lines=found.get("lines"),
    )


def _details(values: Sequence[Any]) -> dict[str, Any]:
    """Return a node's details, from what the bindings gave for each; None for one they did not know."""
    return {
        detail.name: None if value is None else detail.read_method(value)
        for detail, value in zip(VERIFIED, values, strict=True)
    }
