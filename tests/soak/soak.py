"""Does to a real server what operators do, at random, and compares incremental with full syncs.

`python -m tests.soak.soak [SECONDS [SEED]]` runs until interrupted, or for that long. After each burst of
steps, what a run of watchman left in Redis must equal an independent full sync, node by node and in
order. It prints its seed, and on a difference what was done last.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.soak.other_clients import archive_and_plug, change_handle, plug, start_twice
from tests.soak.several_lines import KEYWORDS, OneLine, set_expression, set_id
from tests.support.details import comparable, truth_of, without_equal_times
from tests.support.ecflow_server import EcflowError, EcflowServer
from tests.support.redis_server import RedisServer, health_of, records_of, status_of
from tests.support.release import HERE, Release
from watchman_cli.collect import Collector, Outcome
from watchman_cli.config import Config, Server
from watchman_cli.details.tree import StoredTree
from watchman_cli.ecflow_client import EcflowError as ProtocolError
from watchman_cli.ecflow_client import TreeUnproved
from watchman_cli.ecflow_client.details.flags import read_token
from watchman_cli.node_details import with_details
from watchman_cli.snapshot import SINCE_SHOWN, Head
from watchman_cli.store import open_store
from watchman_cli.store.redis.keys import key as redis_key

SOAK_SECONDS = float(os.environ.get("WATCHMAN_SOAK_SECONDS", "24"))  # of the four kinds that are tested
STATES = ("unknown", "complete", "queued", "aborted", "submitted", "active")
ATTRIBUTES = (
    "edit VARIABLE 'a b'",
    'label info "nothing yet"',
    'label lines "one\\ntask two\\nthree"',
    "meter progress 0 100 90",
    "event 1 ready",
    "event done",
    "late -s +00:15 -a 20:00 -c +02:00",
    "time 10:00",
    "time +00:05 20:00 00:30",
    "today 03:00",
    "cron -w 0,1 10:00",
    "date 1.*.*",
    "day monday",
    "limit disk 10",
    "inlimit -n disk",
    "queue -f no.such:/nowhere q 1 2 3",
    "queue q first second third",
    "generic g one two",
    "zombie user fob",
    "autocancel +10",
    "autoarchive +10",
    "verify complete:1",
)
REPEATS = (
    "repeat integer STEP 0 10 2",
    "repeat date YMD 20260101 20261231 1",
    'repeat enumerated E "a" "b" "c"',
    'repeat string S "x" "y"',
    "repeat day 1",
)
NEWER_REPEATS = {
    (5, 12): "repeat datetime DT 20260101T000000 20260103T000000 06:00:00",
    (5, 17): 'repeat datetimelist DTL "20260101T000000" "20260105T120000"',
}


class Difference(Exception):
    """An incremental run's snapshot is not what a full sync gives."""


@dataclass
class Soak:
    """One server, one Redis and one watchman over it, and a seed from which all follows."""

    ecflow: EcflowServer
    redis: RedisServer
    interpreter: str | None  # that has the bindings; None to look for one
    seed: int
    definitions: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()  # the only ones that are read; all where there are none
    modes: Counter[str] = field(default_factory=Counter)
    steps: int = 0
    starts_within_a_second: int = 0
    several_lines: Counter[str] = field(default_factory=Counter)  # texts that were set
    done: deque[str] = field(default_factory=lambda: deque(maxlen=40))

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.paths: list[str] = []
        self.one_line = OneLine(self.ecflow)
        self.repeats = [
            *REPEATS,
            *(line for since, line in NEWER_REPEATS.items() if self.ecflow.release.version >= since),
        ]
        self.store = open_store(self.redis.url)
        self.server = Server(
            owner="soak", repo="server", host=self.ecflow.host, port=self.ecflow.port, suites=self.suites,
            connect_timeout=10, attempts=3, deadline=30, full_sync_every=3600,
            protocol="tcp", reader="auto", max_reply=1024, details=True,
        )  # fmt: skip
        self.config = Config(Path("soak"), self.redis.url, self.interpreter, "store", (self.server,), ())

    # ------------------------------------------------------------------------- what is done

    def burst(self) -> None:
        """A few steps, then the comparison."""
        for _ in range(self.random.choice((0, 1, 1, 1, 2, 3, 8))):
            self.step()
        self.compare()
        self.ecflow.await_next_second()  # or most runs read in full, until the second of the start is over

    def step(self) -> None:
        """One thing that an operator may do; the server may well refuse it."""
        action = self.random.choices(ACTIONS, WEIGHTS)[0]
        self.steps += 1
        try:
            self.done.append(f"{action.__name__} {action(self)}")
        except EcflowError as error:
            self.done.append(f"{action.__name__}: refused: {str(error)[:80]!r}")

    def path(self) -> str:
        """A node's path, or one that is no more."""
        return self.random.choice(self.paths or ["/s0"])

    def suite(self) -> str:
        return "/" + self.path().split("/")[1]

    def definition(self, name: str) -> str:
        """A suite at random."""
        lines = [f"suite {name}"]
        if self.random.random() < 0.2:
            lines.append(self.random.choice(("clock real", "clock hybrid 1.1.2026", "defstatus suspended")))
        self._family(lines, 0)
        return "\n".join([*lines, "endsuite", ""])

    def _family(self, lines: list[str], depth: int) -> None:
        if self.random.random() < 0.3:
            lines.append(self.random.choice(self.repeats))
        keywords = self.random.sample(KEYWORDS, 2)
        for index in range(self.random.randint(0, 4)):
            kind = self.random.choice(("task", "task", "family"))
            name = f"{kind[0]}{index}"
            if keywords and self.random.random() < 0.2:  # one line of a text may then look like a node's
                name = keywords.pop()
            lines.append(f"{kind} {name}")
            lines += self.random.sample(ATTRIBUTES, self.random.choice((0, 0, 1, 3)))
            if self.random.random() < 0.15:
                lines.append("defstatus " + self.random.choice(("complete", "suspended", "aborted")))
            if index and self.random.random() < 0.3:
                lines.append("trigger " + self.random.choice(("1 == 0", f"t{index} == complete")))
            if kind == "family":
                if depth < 3:
                    self._family(lines, depth + 1)
                lines.append("endfamily")

    # ---------------------------------------------------------------------- what must hold

    def collect(self) -> Outcome:
        """One incremental run; now and then one that compares both ways itself."""
        server = self.server
        if self.random.random() < 0.1:
            server = server._replace(full_sync_every=0)
        outcomes: list[Outcome] = []
        Collector(self.config, (server,), self.store, jobs=1).run(outcomes.append)
        (outcome,) = outcomes
        return outcome

    def independent(self) -> dict[str, Any]:
        """What a full sync of the server shows of what is to be read."""
        found: dict[str, Any] = self.one_line.snapshot()
        self.paths = [path for path, _ in found["records"][1:]]
        if self.suites:
            wanted = {"", *self.suites}
            pairs = zip(found["records"], [["", ""], *found["details"]], strict=True)
            some = [pair for pair in pairs if pair[0][0].split("/")[1] in wanted]
            found["records"], found["details"] = [each for each, _ in some], [each for _, each in some[1:]]
        found["details"] = [
            [
                f"{time[:19]}+00:00" if status in SINCE_SHOWN and time[:1].isdigit() else None,
                list(read_token(flags) or ()),
            ]
            for (_, status), (time, flags) in zip(found["records"][1:], found["details"], strict=True)
        ]
        try:
            nodes = truth_of(self.ecflow)
        except TreeUnproved:  # an incremental run needs no definition
            nodes = {}
        except ProtocolError as error:
            if not error.transient:
                raise Difference(f"details: {error}") from error
            raise EcflowError(str(error)) from error
        found["nodes"] = self.wanted_nodes(nodes)
        return found

    def wanted_nodes(self, nodes: dict[str, Any]) -> dict[str, Any]:
        """Return those nodes that are read, without what is not compared."""
        wanted = {"", *self.suites}
        some = {path: each for path, each in nodes.items() if not self.suites or path.split("/")[1] in wanted}
        return {path: without_equal_times(each) for path, each in some.items()}

    def stored_nodes(self) -> dict[str, Any]:
        """Return the nodes as the store's details have them."""

        def use(tree: StoredTree, _: Head) -> dict[str, Any]:
            tree.load()
            return comparable(tree)

        return self.wanted_nodes(with_details(self.store, self.server.name, use))

    def compare(self) -> None:
        """Raise Difference where a run's snapshot is not that of the full syncs around it."""
        for _ in range(20):
            try:
                before = self.independent()
                stored: Any = self.redis.client.get(redis_key(self.server.name, "status"))
                outcome = self.collect()
                after = self.independent()
            except EcflowError as error:
                self.revive(error)
                continue
            if outcome.error and isinstance(outcome.error.__cause__, TreeUnproved):
                self.check_refusal(outcome, stored)
                continue
            if outcome.error or outcome.warnings:
                raise Difference(f"{outcome.error or outcome.warnings}") from outcome.error
            if before == after:
                break
        else:
            raise Difference("the server would not stand still")
        assert outcome.reading
        self.modes[outcome.reading.mode] += 1
        self.several_lines["runs"] += self.one_line.seen > 0
        found = status_of(self.redis.client, self.server.name) or {}
        if records_of(found) != after["records"] or found["server_state"] != after["server_state"]:
            pairs = zip(records_of(found), after["records"], strict=False)
            wrong = [f"{mine} is {true}" for mine, true in pairs if mine != true][:3]
            raise Difference(
                f"{outcome.reading.mode}: {wrong or _longer(records_of(found), after['records'])}"
            )
        ours = [[record.get("since"), record.get("flags", [])] for record in found["status_records"][1:]]
        for mine, true in zip(ours, after["details"], strict=True):
            if mine[0] and true[0] and mine[0] < true[0]:
                # The server sends no memento where a state is set that a node has, which renews its time.
                mine[0] = true[0]
        if ours != after["details"]:
            triples = zip(found["status_records"][1:], ours, after["details"], strict=True)
            differing = [f"{record} is {true}" for record, mine, true in triples if mine != true][:3]
            raise Difference(f"{outcome.reading.mode}: {differing}")
        nodes = self.stored_nodes() if after["nodes"] else {}
        if nodes != after["nodes"]:
            paths = [
                path for path in {**nodes, **after["nodes"]} if nodes.get(path) != after["nodes"].get(path)
            ]
            those = [f"{path}: {nodes.get(path)} is {after['nodes'].get(path)}" for path in paths[:2]]
            raise Difference(f"{outcome.reading.mode}: details: {those}")
        health = health_of(self.redis.client, self.server.name) or {}
        if not health["ok"] or health["sync"]["disabled"]:
            raise Difference(f"health: {health}")
        handles = [each for each in self.ecflow.handles() if any("watchman" in name for name in each[2])]
        if len(handles) > bool(self.suites):
            raise Difference(f"handles of ours are left: {handles}")

    def check_refusal(self, outcome: Outcome, stored: bytes | None) -> None:
        """Raise Difference unless the refusal is in the health record, and the last snapshot stays.

        Then everything is deleted: the next run must read the server again.
        """
        health = health_of(self.redis.client, self.server.name) or {}
        if health["ok"] or health["error"]["message"] != str(outcome.error):
            raise Difference(f"refused, and not said: {health}")
        if self.redis.client.get(redis_key(self.server.name, "status")) != stored:
            raise Difference("refused, and written")
        if not (self.one_line.texts and self.paths):
            raise Difference(f"refused, though no text has several lines: {outcome.error}")
        self.several_lines["refused"] += 1
        self.done.append(f"refused: {outcome.error}; {self.one_line.seen} texts of several lines")
        self.ecflow.delete_all(True)

    def revive(self, error: EcflowError) -> None:
        """Start the server again after one of the steps made it crash, which some do.

        If it runs, its checkpoint may have cut an id before a line that ends a suite, as that id had one: the
        two look like the whole id, and are put on one line for the bindings. A run of the whole server must
        refuse it.
        """
        assert self.ecflow.process
        try:
            code = self.ecflow.process.wait(10)
        except subprocess.TimeoutExpired:
            stored: Any = self.redis.client.get(redis_key(self.server.name, "status"))
            outcome = self.collect()
            if outcome.error and isinstance(outcome.error.__cause__, TreeUnproved):
                self.check_refusal(outcome, stored)
            elif self.suites and self.one_line.texts:  # perhaps none of them has that id
                self.ecflow.delete_all(True)
            else:
                raise Difference(f"the server runs, and the bindings cannot read it: {error}") from error
            return
        self.done.append(f"the server crashed with {code}")
        self.ecflow.start()

    def summary(self) -> str:
        """What was done, in a line."""
        ways = ", ".join(f"{count} {way}" for way, count in sorted(self.modes.items()))
        of = f" of {', '.join(self.suites)}" if self.suites else ""
        return (
            f"seed {self.seed}{of}: {self.steps} steps, {sum(self.modes.values())} runs ({ways}), "
            f"{self.starts_within_a_second} times two starts within a second, "
            f"{self.several_lines['ids']} ids and {self.several_lines['expressions']} expressions of several "
            f"lines ({self.several_lines['runs']} runs read some, {self.several_lines['refused']} refused), "
            "all equal"
        )

    def said(self) -> str:
        """What was done last, for whoever looks into a difference."""
        return f"seed {self.seed}, step {self.steps}, the last of them:\n  " + "\n  ".join(self.done)


def _longer(ours: list[Any], theirs: list[Any]) -> str:
    """Return the first node that only one of two readings has."""
    if len(ours) == len(theirs):
        return "another state of the server"
    longer, shorter = (ours, theirs) if len(ours) > len(theirs) else (theirs, ours)
    return f"{longer[len(shorter)]} is only in {'the snapshot' if longer is ours else 'the full sync'}"


# ------------------------------------------------------------------------------------- the actions


def force_state(soak: Soak) -> Any:
    path, state = soak.path(), soak.random.choice(STATES)
    recursive = "force_state_recursive" if soak.random.random() < 0.2 else "force_state"
    soak.ecflow.call(recursive, path, f"State.{state}")
    return path, state, recursive


def force_many(soak: Soak) -> Any:
    some = soak.random.sample(soak.paths, min(len(soak.paths), 30))
    soak.ecflow.force_state(some, f"State.{soak.random.choice(STATES)}")
    return len(some)


def suspend(soak: Soak) -> Any:
    path = soak.path()
    soak.ecflow.suspend(path)
    return path


def resume(soak: Soak) -> Any:
    path = soak.path()
    soak.ecflow.resume(path)
    return path


def requeue(soak: Soak) -> Any:
    path, option = soak.path(), soak.random.choice(("", "force", "abort"))
    soak.ecflow.requeue(path, option)
    return path, option


def delete(soak: Soak) -> Any:
    path = soak.path()
    soak.ecflow.delete(path, soak.random.random() < 0.8)
    return path


def load(soak: Soak) -> Any:
    name = f"s{soak.random.randint(0, 5)}"
    soak.ecflow.load_text(soak.definition(name), soak.random.random() < 0.5)
    return name


def load_file(soak: Soak) -> Any:
    if not soak.definitions:
        return None
    path = soak.random.choice(soak.definitions)
    soak.ecflow.load(path, True)
    return path


def replace_node(soak: Soak) -> Any:
    path = soak.path()
    name = path.split("/")[1]
    home = Path(soak.ecflow.home, "replace.def")
    home.write_text(soak.definition(name))
    soak.ecflow.replace(path, str(home), True, True)
    return path


def order(soak: Soak) -> Any:
    path, how = soak.path(), soak.random.choice(("top", "bottom", "alpha", "order", "up", "down", "runtime"))
    soak.ecflow.order(path, how)
    return path, how


def alter(soak: Soak) -> Any:
    choices = (
        ("add", "variable", "NEW", "value"),
        ("change", "variable", "VARIABLE", str(soak.random.random())),
        ("delete", "variable", "VARIABLE", ""),
        ("change", "meter", "progress", str(soak.random.randint(0, 100))),
        ("change", "event", "done", soak.random.choice(("set", "clear"))),
        ("change", "label", "info", "said " + str(soak.random.random())),
        ("change", "label", "lines", "one\ntask two\nsuite three"),
        ("change", "repeat", "2", ""),
        ("change", "limit_max", "disk", "5"),
        ("change", "limit_value", "disk", "2"),
        ("change", "defstatus", soak.random.choice(("complete", "queued", "suspended")), ""),
        ("change", "clock_gain", "10", ""),
        ("change", "trigger", "1 == 1", ""),
        ("add", "limit", "more", "3"),
        ("delete", "limit", "more", ""),
        ("add", "inlimit", "disk", "1"),
        ("add", "time", "11:00", ""),
        ("delete", "time", "", ""),
        ("delete", "cron", "", ""),
        ("delete", "trigger", "", ""),
        ("delete", "repeat", "", ""),
        ("add", "late", "-s +00:10", ""),
        ("delete", "late", "", ""),
        ("set_flag", soak.random.choice(("force_aborted", "late", "message", "no_script")), "", ""),
        ("clear_flag", soak.random.choice(("force_aborted", "late", "message", "no_script")), "", ""),
        ("add", "zombie", "user:fob::3000", ""),
    )
    path, change = soak.path(), soak.random.choice(choices)
    soak.ecflow.alter(path, *change)
    return path, change


def alter_server(soak: Soak) -> Any:
    soak.ecflow.alter("/", "add", "variable", "SERVER_WIDE", str(soak.random.random()))
    return ""


def sort_attributes(soak: Soak) -> Any:
    path = soak.path()
    soak.ecflow.sort_attributes(
        path, soak.random.choice(("variable", "label", "meter", "event", "all")), True
    )
    return path


def free(soak: Soak) -> Any:
    path, what = soak.path(), soak.random.choice(("trigger", "date", "time", "all"))
    soak.ecflow.call(f"free_{what}_dep", path)
    return path, what


def run(soak: Soak) -> Any:
    path = soak.path()
    soak.ecflow.run(path, soak.random.random() < 0.7)
    return path


def begin(soak: Soak) -> Any:
    suite = soak.suite()
    soak.ecflow.begin_suite(suite[1:], soak.random.random() < 0.5)
    return suite


def alias(soak: Soak) -> Any:
    path = soak.path()
    soak.ecflow.edit_script_submit(path, [], ["#!/bin/sh"], True, False)
    return path


def archive(soak: Soak) -> Any:
    path = soak.path()
    soak.ecflow.archive(path)
    return path


def restore(soak: Soak) -> Any:
    path = soak.path()
    soak.ecflow.restore(path)
    return path


def server_state(soak: Soak) -> Any:
    command = soak.random.choice(("halt_server", "restart_server", "shutdown_server"))
    soak.ecflow.call(command)
    return command


def checkpoint(soak: Soak) -> Any:
    soak.ecflow.checkpt()
    return ""


def restore_checkpoint(soak: Soak) -> Any:
    """The server itself goes back to its checkpoint, without being restarted."""
    soak.ecflow.halt_server()
    soak.ecflow.delete_all(True)
    soak.ecflow.restore_from_checkpt()
    return ""


def kill(soak: Soak) -> Any:
    """It is killed, starts from its last checkpoint, and counts its changes from 0 again."""
    soak.ecflow.kill(signal.SIGKILL)
    soak.ecflow.start()
    return ""


def delete_all(soak: Soak) -> Any:
    soak.ecflow.delete_all(True)
    return ""


def another_client(soak: Soak) -> Any:
    """A GUI registers a handle, and goes away without it."""
    soak.ecflow.ch_register(soak.random.random() < 0.5, [soak.suite()[1:]])
    if len(soak.ecflow.handles()) > 5:
        soak.ecflow.ch_drop_user("")
    return ""


def forget(soak: Soak) -> Any:
    """The store loses what was remembered, or has it damaged."""
    key = redis_key(soak.server.name, "sync")
    value: Any = soak.redis.client.get(key)
    if value is None or soak.random.random() < 0.3:
        soak.redis.client.delete(key)
        return "all"
    damaged = bytearray(value)
    damaged[soak.random.randrange(len(damaged))] ^= 1 << soak.random.randrange(8)
    soak.redis.client.set(key, bytes(damaged))
    return "a bit"


ACTIONS_AND_WEIGHTS: tuple[tuple[Callable[[Soak], Any], float], ...] = (
    (force_state, 20), (force_many, 4), (suspend, 6), (resume, 6), (requeue, 6), (delete, 1), (load, 3),
    (load_file, 1), (replace_node, 1), (order, 8), (alter, 14), (alter_server, 1), (sort_attributes, 2),
    (free, 3), (run, 2), (begin, 4), (alias, 2), (archive, 1), (restore, 2), (server_state, 3),
    (checkpoint, 2), (restore_checkpoint, 0.3), (kill, 1), (delete_all, 0.2), (another_client, 1),
    (forget, 1), (change_handle, 3), (plug, 1), (archive_and_plug, 2), (start_twice, 0.5),
    (set_id, 4), (set_expression, 4),
)  # fmt: skip
ACTIONS, WEIGHTS = zip(*ACTIONS_AND_WEIGHTS, strict=True)
SOME_SUITES = ("s0", "s4", "s2", "cron3")
SAME_PID = ("unshare", "--pid", "--fork", "--kill-child=SIGKILL")


def soak_for(
    seconds: float,
    seed: int,
    *,
    prefix: tuple[str, ...] = (),
    definitions: tuple[str, ...] = (),
    suites: tuple[str, ...] = (),
    release: Release = HERE,
) -> Soak:
    """Soak for that long. Raises Difference, with the seed and what was done."""
    with tempfile.TemporaryDirectory(prefix="watchman-soak-") as folder:
        homes = Path(folder, "ecflow"), Path(folder, "redis")
        for home in homes:
            home.mkdir()
        ecflow = EcflowServer(homes[0], prefix=prefix, release=release)
        redis = RedisServer(homes[1])
        interpreter = str(release.interpreter(Path(folder))) if release.root else None
        try:
            ecflow.start()
            redis.start()
            soak = Soak(ecflow, redis, interpreter, seed, definitions, suites)
            end = time.monotonic() + seconds
            try:
                while time.monotonic() < end:
                    soak.burst()
            except Difference as error:
                raise Difference(f"{error}\n{soak.said()}") from error
            finally:
                soak.store.close()
                soak.one_line.close()
            return soak
        finally:
            ecflow.stop()
            redis.stop()


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else float("inf")
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(10**6)
    folder = Path(__file__).parent.parent.parent.parent / "shared" / "defs"
    definitions = tuple(str(path) for path in sorted(folder.glob("*.def")))
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        # Half of the servers are process 1 of a namespace, as in a container: every start has one PID.
        prefix = SAME_PID if seed % 2 and os.geteuid() == 0 else ()
        suites = SOME_SUITES if seed % 3 == 0 else ()
        limit = min(60.0, end - time.monotonic())
        soak = soak_for(limit, seed, prefix=prefix, definitions=definitions, suites=suites)
        print(soak.summary(), flush=True)
        seed += 1


if __name__ == "__main__":
    main()
