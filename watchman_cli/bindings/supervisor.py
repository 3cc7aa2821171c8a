"""Supervises the probes: starts them, reads what they send, and kills those that take too long."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from watchman_cli.bindings import script as probe
from watchman_cli.bindings.failures import crashed, ending, explain, one_line
from watchman_cli.errors import ServerError

REUSED_UP_TO = 10_000  # nodes that a probe read; of more, freeing them takes longer than a new probe
AT_ONCE = 2 * (os.cpu_count() or 1)  # probes at work, beyond which another only slows the others
FORK_AFTER = 0.3  # seconds: of those that are at work, one may be waiting for its server
IMPORT_LIMIT = 30.0  # seconds for an interpreter to import the bindings, from a slow file system too
# The reply of a large server is read and taken apart in blocks of many megabytes. By itself malloc gives
# each back to the kernel, which then has to find and to clear the same memory for the next.
KEPT = 1 << 30  # bytes: larger than any block
ALLOCATION = {"GLIBC_TUNABLES": f"glibc.malloc.mmap_threshold={KEPT}:glibc.malloc.trim_threshold={KEPT}"}
HOW_TO_GET_BINDINGS = (
    "install Debian's python3-ecflow or conda-forge's ecflow, "
    "and name the interpreter that has them as ecflow_python in the configuration"
)


@dataclass(frozen=True)
class Bindings:
    """Where the ecflow bindings were found."""

    interpreter: str
    version: str
    python: str


class Probes:
    """The process that forks a probe for each attempt; a context manager that leaves none behind.

    `named` is the interpreter that the user chose. Without one the current interpreter is tried,
    then /usr/bin/python3. It is started at once, and may be imported by the time it is needed.
    """

    def __init__(self, named: str | None = None) -> None:
        self._links: set[socket.socket] = set()
        self._idle: list[socket.socket] = []  # those of probes that wait for another job
        self._lock = threading.Condition()  # of both; told when a probe waits for another job
        self._starting = threading.Lock()
        self._bindings: Bindings | None = None
        self.stopped = False
        self._candidates = _candidates(named)
        self._failures: list[str] = []
        self._start()

    @property
    def bindings(self) -> Bindings:
        """Where the bindings were found; waits until they are imported.

        Raises ServerError (`bindings`) where no interpreter has them.
        """
        return self.bindings_by(time.monotonic() + IMPORT_LIMIT * (len(self._candidates) + 1))

    def bindings_by(self, deadline: float) -> Bindings:
        """The same, no later than a time.monotonic(): ServerError (`bindings`) if they are late too."""
        late = ServerError("bindings", "the ecflow bindings were not imported in time")
        if not self._starting.acquire(timeout=max(0.001, deadline - time.monotonic())):
            raise late
        try:
            while self._bindings is None:
                if self.stopped:
                    raise ServerError("no answer", "the run was ended")
                if not self._candidates:
                    tried = "; ".join(self._failures)
                    without = f"no Python with the ecflow bindings ({tried}): {HOW_TO_GET_BINDINGS}"
                    raise ServerError("bindings", without)
                try:
                    self._bindings = self._hello(deadline)
                except TimeoutError:
                    raise late from None
                except ServerError as error:
                    self._failures.append(f"{self._candidates.pop(0)}: {error}")
                    self._end()
                    if self._candidates and not self.stopped:
                        self._start()
            return self._bindings
        finally:
            self._starting.release()

    @property
    def bindings_version(self) -> str | None:
        """The version of the bindings; None where no interpreter has them."""
        return self._bindings.version if self._bindings else None

    def _start(self) -> None:
        """Start the first candidate; it imports the bindings while we do other things."""
        self._import_by = time.monotonic() + IMPORT_LIMIT
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._noise = os.fdopen(os.memfd_create("noise"), "w+b")  # no disk, which may be full
        self._process: subprocess.Popen[bytes] | None = None
        self._unstarted = ""
        environment = ALLOCATION | {n: value for n, value in os.environ.items() if n != "WATCHMAN_STORE"}
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [self._candidates[0], probe.__file__],
                    stdin=theirs.fileno(),
                    stdout=self._noise,
                    stderr=self._noise,
                    env=environment,
                    start_new_session=True,  # a terminal's Ctrl-C is for us, who end the probes
                )
            except OSError as error:
                self._unstarted = error.strerror or str(error)

    def _hello(self, deadline: float) -> Bindings:
        """The first candidate's bindings. Raises TimeoutError if only `deadline` is over."""
        if self._process is None:
            raise ServerError("bindings", self._unstarted)
        self._control.settimeout(max(0.001, min(deadline, self._import_by) - time.monotonic()))
        try:
            word = self._control.recv(8192)
        except TimeoutError as error:
            if deadline < self._import_by:
                raise
            raise ServerError("bindings", f"no bindings imported in {IMPORT_LIMIT:.0f} s") from error
        self._control.settimeout(None)
        if word[:1] == probe.HELLO:
            versions = orjson.loads(word[1:])
            return Bindings(self._candidates[0], versions["ecflow"], versions["python"])
        if word[:1] == probe.NO_BINDINGS:
            raise ServerError("bindings", one_line(word[1:].decode("utf-8", "replace")))
        code = self._process.wait()
        self._noise.seek(0)
        said = one_line(self._noise.read().decode("utf-8", "replace"))
        raise ServerError("bindings", f"importing them ended the interpreter ({ending(code)}) {said}".strip())

    def _end(self) -> None:
        self._end_process()
        self._control.close()
        self._noise.close()

    def _end_process(self) -> None:
        """End the process that forks, which kills and reaps every probe first."""
        if self._process is not None:
            if not (self._bindings and self._hangs_up()):
                self._process.kill()  # importing, or stopped by somebody; its children die with it
            self._process.wait()

    def _hangs_up(self) -> bool:
        """Tell the process that forks to end, and whether it does so soon."""
        try:
            self._control.shutdown(socket.SHUT_WR)
            self._control.settimeout(1)
            return not self._control.recv(1)
        except OSError:
            return False

    def attempt(self, job: dict[str, Any], deadline: float) -> Attempt:
        """Have a probe do `job`; `deadline` is a time.monotonic() after which it is killed."""
        self.bindings_by(deadline)
        with self._lock:
            link = self._idle_link(deadline) or self._new_link()
        return Attempt(self, link, job, deadline)

    def _idle_link(self, deadline: float) -> socket.socket | None:
        """A probe that has done its job, and waits for another; None where there is none.

        Where many are at work, one may soon have done: that costs less than to fork another.
        """
        fork_at = min(time.monotonic() + FORK_AFTER, deadline)
        while True:
            while self._idle:
                link = self._idle.pop()
                link.setblocking(False)
                try:
                    link.recv(1)
                except BlockingIOError:  # it says nothing, so it waits
                    return link
                except OSError:
                    pass
                self._links.discard(link)  # it has ended, whatever ended it
                link.close()
            left = fork_at - time.monotonic()
            if len(self._links) < AT_ONCE or left <= 0 or self.stopped:
                return None
            self._lock.wait(left)

    def _new_link(self) -> socket.socket:
        if self.stopped:
            raise ServerError("no answer", "the run was ended")
        ours, theirs = socket.socketpair()
        self._links.add(ours)
        with theirs:
            try:
                socket.send_fds(self._control, [b"j"], [theirs.fileno()])
            except OSError as error:
                self._links.discard(ours)
                ours.close()
                raise ServerError("crashed", "the process that forks the probes has died") from error
        return ours

    def release(self, link: socket.socket, reusable: bool) -> None:
        """Keep a probe for another job, or close its socket, which kills it if it still runs."""
        with self._lock:
            self._lock.notify()
            if reusable and not self.stopped:
                self._idle.append(link)
                return
            self._links.discard(link)
        link.close()

    def stop(self) -> None:
        """Kill and reap every probe, and the process that forks them."""
        with self._lock:
            if self.stopped:
                return
            self.stopped = True
            self._lock.notify_all()
            for link in self._links:
                try:
                    link.shutdown(socket.SHUT_RDWR)
                except OSError:  # the probe has ended already
                    pass
        self._end_process()
        with self._starting:  # whoever waited for the bindings waits no more
            self._end()

    def __enter__(self) -> Probes:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Attempt:
    """One probe at work; a context manager that kills it if it is not done."""

    def __init__(self, probes: Probes, link: socket.socket, job: dict[str, Any], deadline: float) -> None:
        self._probes = probes
        self._link = link
        self._reusable = False
        self.deadline = deadline
        self._send(probe.JOB, orjson.dumps(job))

    def frames(self, first_by: float) -> Iterator[tuple[bytes, bytes]]:
        """Each frame of the probe until it is done, the first of them no later than `first_by`.

        Raises ServerError when the probe reports an error, dies, or is late.
        """
        kind, payload = self._receive(min(first_by, self.deadline))
        while True:
            if kind == probe.ERROR:
                report = orjson.loads(payload)
                raise explain(report["message"], report["noise"], report["tls"])
            if kind == probe.EXIT:
                report = orjson.loads(payload)
                raise crashed(report["code"], report["noise"])
            if kind == probe.DONE:
                self._reusable = orjson.loads(payload)["nodes"] <= REUSED_UP_TO
            yield kind, payload
            if kind == probe.DONE:
                return
            kind, payload = self._receive(self.deadline)

    def send_skeleton(self, parts: Iterable[bytes]) -> None:
        """Answer a probe that asked for the skeleton: it restores a part while the next is made."""
        reader, writer = os.pipe()
        with os.fdopen(writer, "wb", buffering=0):
            with os.fdopen(reader, "rb", buffering=0), self._sending() as link:
                probe.send_pipe(link, probe.SKELETON, reader)
            os.set_blocking(writer, False)
            with suppress(BrokenPipeError):  # it could not be restored, which the probe tells
                for part in parts:
                    self._write(writer, part)

    def _write(self, pipe: int, data: bytes) -> None:
        room = select.poll()
        room.register(pipe, select.POLLOUT)
        view = memoryview(data)
        while view:
            if not room.poll(max(0, int((self.deadline - time.monotonic()) * 1000))):
                raise ServerError("no answer", "no answer in time", transient=True)
            view = view[os.write(pipe, view) :]

    def send_verdict(self, fit: bool) -> None:
        """Tell a probe whether its skeleton, or its changes, fit; it reads everything if they do not."""
        self._send(probe.FIT if fit else probe.UNFIT, b"")

    def _send(self, kind: bytes, payload: bytes) -> None:
        with self._sending() as link:
            probe.send(link, kind, payload)

    @contextmanager
    def _sending(self) -> Iterator[socket.socket]:
        self._link.settimeout(max(0.001, self.deadline - time.monotonic()))
        try:
            yield self._link
        except OSError as error:
            raise ServerError("crashed", "the probe died", transient=True) from error

    def _receive(self, by: float) -> tuple[bytes, bytes]:
        kind, size = probe.FRAME.unpack(self._receive_exactly(probe.FRAME.size, by))
        return kind, bytes(self._receive_exactly(size, by))

    def _receive_exactly(self, size: int, by: float) -> bytearray:
        data = bytearray(size)
        view = memoryview(data)
        while view:
            self._link.settimeout(max(0.001, by - time.monotonic()))
            try:
                count = self._link.recv_into(view)
            except TimeoutError as error:
                raise ServerError("no answer", "no answer in time", transient=True) from error
            except OSError as error:
                raise ServerError("crashed", "the probe died", transient=True) from error
            if not count:
                raise ServerError("crashed", "the probe died without a word", transient=True)
            view = view[count:]
        return data

    def __enter__(self) -> Attempt:
        return self

    def __exit__(self, *_: object) -> None:
        self._probes.release(self._link, self._reusable)


def _candidates(named: str | None) -> list[str]:
    if named:
        return [named]
    found = [sys.executable] if sys.executable and find_spec("ecflow") else []
    system = "/usr/bin/python3"
    if Path(system).exists() and not (found and Path(sys.executable).samefile(system)):
        found.append(system)
    return found or [sys.executable or "python3"]
