"""Sends watchman mutated replies of real servers, over real sockets, and judges what each run left.

`python -m tests.fuzz.replies --count N --seed S` records the replies of this machine's ecFlow, and of each
other release whose root is there (`make roots`). A quarter of the replies are changes after a full reading.
If they fail, the full reading that follows may be a mutated one, too.

A reply is judged as follows. It may take the server's deadline and a second. Then the health record says that
the run failed, and the snapshot's bytes are those of before. Or the record says ok, and the snapshot has the
nodes, statuses and flags of one of the replies that were sent:

- as `independent.py` reads it, a second reader which shares no code with watchman; or
- as it was before the mutation, if that reader cannot read it. So a mutation that makes a valid, different
  reply must be read as the different reply. One that makes an unreadable reply must fail, or change nothing.

The process must stay below 300 MB. What is not judged: the times since when nodes have a status.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import socket
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tests.fuzz import independent, mutations
from tests.fuzz.recorded import Recorded, record
from tests.support.ecflow_server import EcflowServer
from tests.support.release import releases
from watchman_cli.collect import Collector, Outcome
from watchman_cli.config import Config, Server
from watchman_cli.store.directory.store import DirectoryStore

TOGETHER = 40  # servers of one run
DEADLINE = 2.0  # seconds, of each server
PEAK = 300 << 20  # bytes, of the process
FILES = ("status.json", "health.json", "sync")
Shown = tuple[tuple[str, str, frozenset[str]], ...]


class Wrong(AssertionError):
    """A run did not end in time, or left a wrong snapshot or health record."""


@dataclass
class Case:
    """What one server of a run answers, and which snapshots are right."""

    protocol: Literal["tcp", "http"]
    incremental: bool
    answers: list[mutations.Sent]
    right: list[Shown]
    mutated: list[bytes]
    asked: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self) -> mutations.Sent | None:
        """Return the next answer; the last one again if there is no more."""
        with self.lock:
            self.asked += 1
            return self.answers[min(self.asked, len(self.answers)) - 1]


class Servers:
    """Many servers in one listener: each has its own address of the loopback network."""

    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}
        self._listener = socket.create_server(("", 0), backlog=500)
        self.port: int = self._listener.getsockname()[1]
        self.ended = threading.Event()  # set to let go of what hangs
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link: socket.socket) -> None:
        case = self.cases.get(link.getsockname()[0])
        with link, suppress(OSError):
            if case is None or not _took_request(link, case.protocol):
                return
            sent = case.answer()
            for piece in sent.pieces if sent else ():
                link.sendall(piece)
            if sent and sent.hang:
                self.ended.wait()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def _took_request(link: socket.socket, protocol: str) -> bool:
    """Take one request; return whether it is of the protocol."""
    link.settimeout(10)
    got = link.recv(1 << 16)
    if protocol == "tcp":
        while got and len(got) < 8:
            got += link.recv(1 << 16)
        try:
            size = 8 + int(got[:8], 16)
        except ValueError:
            return False
    else:
        if not got.startswith(b"POST "):
            return False
        while b"\r\n\r\n" not in got:
            got += link.recv(1 << 16)
        head, _, _ = got.partition(b"\r\n\r\n")
        lengths = [
            line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        ]
        size = len(head) + 4 + int(lengths[0])
    while len(got) < size and (piece := link.recv(1 << 16)):
        got += piece
    return True


@dataclass
class Fuzz:
    """A run of the fuzz over some recordings, from a seed."""

    recordings: Sequence[Recorded]
    seed: int
    folder: Path
    ended: Counter[str] = field(default_factory=Counter)
    count: int = 0
    slowest: float = 0.0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.servers = Servers()
        self.store = DirectoryStore(self.folder)
        self._primed: dict[tuple[str, str], dict[str, bytes]] = {}
        self._truth: dict[tuple[str, str], Shown] = {}

    def run(self, count: int) -> None:
        """Send that many mutated replies. Raises Wrong."""
        try:
            while self.count < count:
                recorded = self.recordings[self.random.randrange(len(self.recordings))]
                self._batch(recorded, min(TOGETHER, count - self.count))
        finally:
            self.servers.close()
        peak = _peak()
        if peak > PEAK:
            raise Wrong(f"seed {self.seed}: the process took {peak >> 20} MB")

    def _batch(self, recorded: Recorded, size: int) -> None:
        self._prime(recorded)
        cases = {f"127.0.1.{number + 1}": self._case(recorded) for number in range(size)}
        before = {host: self._prepare(recorded, host, case) for host, case in cases.items()}
        outcomes = self._collect(cases)
        for host, case in cases.items():
            self._judge(host, case, before[host], outcomes[host])
        self.count += size

    def _case(self, recorded: Recorded) -> Case:
        """Return a server at random."""
        rng = self.random
        protocol: Literal["tcp", "http"] = "tcp" if rng.random() < 0.5 else "http"
        send = mutations.send_tcp if protocol == "tcp" else mutations.send_http
        case = Case(protocol, rng.random() < 0.25, [], [], [])
        bodies = [recorded.changes, recorded.second] if case.incremental else [recorded.first]
        first = independent.read_full(recorded.first)
        assert first
        for number, body in enumerate(bodies):
            spoil = rng.random()
            mutated = (
                mutations.mutate_body(rng, body)
                if spoil < 0.7 and (not number or rng.random() < 0.5)
                else body
            )
            case.answers.append(send(rng, mutated, spoil >= 0.7 or rng.random() < 0.05))
            case.mutated.append(mutated)
            if body is recorded.changes:
                seen = independent.read_changes(mutated, first)
                truth = self._truth[recorded.version, "second"]
            else:
                seen = independent.read_full(mutated)
                truth = self._truth[recorded.version, "second" if number else "first"]
            case.right.append(tuple(each.shown for each in seen) if seen is not None else truth)
        return case

    def _prime(self, recorded: Recorded) -> None:
        """Learn what the plain replies give, and what a server's files are after the first."""
        if (recorded.version, "first") in self._truth:
            return
        for name, body in (("first", recorded.first), ("second", recorded.second)):
            seen = independent.read_full(body)
            assert seen, f"the second reader cannot read {name} of {recorded.version}"
            self._truth[recorded.version, name] = tuple(each.shown for each in seen)
        first = independent.read_full(recorded.first)
        assert first
        seen = independent.read_changes(recorded.changes, first)
        assert seen
        assert tuple(each.shown for each in seen) == self._truth[recorded.version, "second"]
        protocols: tuple[Literal["tcp", "http"], ...] = ("tcp", "http")
        for protocol in protocols:
            send = mutations.send_tcp if protocol == "tcp" else mutations.send_http
            for number in range(TOGETHER):
                host = f"127.0.1.{number + 1}"
                self._forget(host)
            cases = {
                f"127.0.1.{number + 1}": Case(
                    protocol, False, [send(self.random, recorded.first, False)], [], [recorded.first]
                )
                for number in range(TOGETHER)
            }
            for host, outcome in self._collect(cases).items():
                if outcome.error:
                    raise Wrong(f"a reply of {recorded.version} that was not mutated: {outcome.error}")
                if self._shown(host) != self._truth[recorded.version, "first"]:
                    raise Wrong(f"a reply of {recorded.version} that was not mutated was read as another")
                self._primed[f"{recorded.version} {protocol}", host] = self._files(host)

    def _prepare(self, recorded: Recorded, host: str, case: Case) -> dict[str, bytes]:
        """Have a server's files be those after the first reading, or none; return them."""
        self._forget(host)
        if not case.incremental:
            return {}
        files = self._primed[f"{recorded.version} {case.protocol}", host]
        for name, value in files.items():
            (self.folder / _name(host) / name).write_bytes(value)
        return files

    def _forget(self, host: str) -> None:
        for name in FILES:
            (self.folder / _name(host) / name).unlink(missing_ok=True)

    def _files(self, host: str) -> dict[str, bytes]:
        folder = self.folder / _name(host)
        return {name: (folder / name).read_bytes() for name in FILES if (folder / name).exists()}

    def _collect(self, cases: dict[str, Case]) -> dict[str, Outcome]:
        servers = tuple(
            Server(
                owner="fuzz", repo=host, host=host, port=self.servers.port, connect_timeout=DEADLINE,
                attempts=1, deadline=DEADLINE, full_sync_every=3600, protocol=case.protocol,
                reader="protocol", max_reply=1024,
            )
            for host, case in cases.items()
        )  # fmt: skip
        self.servers.cases = cases
        self.servers.ended = threading.Event()
        config = Config(
            self.folder / "fuzz.yaml", self.store.url, str(self.folder / "no-bindings"), "store", servers, ()
        )
        outcomes: list[Outcome] = []
        collector = Collector(config, servers, self.store, jobs=16, on_failure=lambda _: True)
        collector.run(outcomes.append)
        self.servers.ended.set()
        return {outcome.server.host: outcome for outcome in outcomes}

    def _judge(self, host: str, case: Case, before: dict[str, bytes], outcome: Outcome) -> None:
        """Raise Wrong if a run left something wrong."""
        self.slowest = max(self.slowest, outcome.seconds)
        files = self._files(host)
        health: dict[str, Any] = json.loads(files.get("health.json", b"{}"))
        if outcome.seconds > DEADLINE + 1:
            self._fail(case, f"it took {outcome.seconds:.1f} s")
        if health.get("ok") is True and outcome.error is None:
            self.ended[health["sync"]["mode"]] += 1
            if self._shown(host) not in case.right:
                self._fail(case, f"the snapshot is wrong ({health['sync']['mode']})")
        elif health.get("ok") is False and outcome.error is not None:
            self.ended["failed"] += 1
            if files.get("status.json") != before.get("status.json"):
                self._fail(case, "it failed, and left another snapshot")
        else:
            self._fail(case, f"the health record is not that of the run: {outcome.error}, {health}")
        if outcome.error is not None and "bug" in str(outcome.error):
            self._fail(case, f"an error nobody expected: {outcome.error}")

    def _shown(self, host: str) -> Shown:
        document = json.loads((self.folder / _name(host) / "status.json").read_bytes())
        return tuple(
            (each["path"], each["status"], frozenset(each.get("flags", ())))
            for each in document["status_records"]
        )

    def _fail(self, case: Case, why: str) -> None:
        kept = Path(tempfile.mkdtemp(prefix="watchman-fuzz-"))
        for number, (body, sent) in enumerate(zip(case.mutated, case.answers, strict=True)):
            (kept / f"body{number}").write_bytes(body)
            (kept / f"sent{number}").write_bytes(b"".join(sent.pieces))
        raise Wrong(f"seed {self.seed}, replies {self.count} to {self.count + TOGETHER}: {why}; see {kept}")

    def summary(self) -> str:
        """Return what was done, in a line."""
        ways = ", ".join(f"{count} {way}" for way, count in sorted(self.ended.items()))
        versions = ", ".join(each.version for each in self.recordings)
        return (
            f"seed {self.seed}: {self.count} replies of ecFlow {versions}: {ways}; "
            f"the slowest took {self.slowest:.1f} s, the process {_peak() >> 20} MB"
        )


def _name(host: str) -> str:
    return f"fuzz/{host}"


def _peak() -> int:
    """Return the most memory in bytes that this process has had; ru_maxrss has its parent's, too."""
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) << 10


@contextmanager
def recordings() -> Iterator[list[Recorded]]:
    """Record each release that is there."""
    found = []
    with tempfile.TemporaryDirectory(prefix="watchman-fuzz-") as folder:
        for release in releases():
            if release.root and not release.root.is_dir():
                continue
            home = Path(folder, release.name.replace(" ", "-"))
            home.mkdir()
            server = EcflowServer(home, release=release)
            try:
                found.append(record(server.start()))
            finally:
                server.stop()
        yield found


def fuzz(recorded: Sequence[Recorded], count: int, seed: int, folder: Path) -> Fuzz:
    """Send that many mutated replies. Raises Wrong."""
    found = Fuzz(recorded, seed, folder)
    found.run(count)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}", flush=True)
    with recordings() as recorded, tempfile.TemporaryDirectory(prefix="watchman-fuzz-") as folder:
        print(fuzz(recorded, chosen.count, chosen.seed, Path(folder)).summary())


if __name__ == "__main__":
    main()
