"""What a benchmark runs on: private ecFlow servers with suites of a given size, Redis, and watchman."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count, islice, product
from pathlib import Path
from typing import Any

from benchmarks.measure import Failed, seconds
from tests.support.agents import ECFLOW_PYTHON
from tests.support.ecflow_server import EcflowServer
from tests.support.redis_server import RedisServer, health_of
from tests.support.watchman import WATCHMAN, Watchman
from watchman_cli.sync.instance import APART

DEPTH_OF_TASKS = 4  # below a suite
NODES_OF_A_SUITE = 100_000

# The least that can be done with the bindings; its arguments are hosts and ports.
BARE = """
import ecflow, sys
for address in sys.argv[1:]:
    host, port = address.split(":")
    client = ecflow.Client(host, port)
    client.sync_local()
"""

# Added to it, it prints its own peak memory (KB).
BARE_PEAK = """
import resource
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""

# A client that stays, and syncs on request.
STAYING = """
import ecflow, sys
client = ecflow.Client(sys.argv[1], sys.argv[2])
for line in sys.stdin:
    client.sync_local()
    print(flush=True)
"""

# The command as it is installed, which reports its own peak memory (KB) before it ends.
REPORTING_ITS_PEAK = """
import os, re, sys
from watchman_cli.cli import main

def leave(code, leave=os._exit):
    with open("/proc/self/status") as status, open(sys.argv[1], "w") as output:
        output.write(re.search(r"VmHWM:\\s+(\\d+)", status.read())[1])
    leave(code)

os._exit = leave
main.run(sys.argv[2:])
"""


def tree(nodes: int) -> Iterator[tuple[str, ...]]:
    """Each node below a suite that has so many nodes with itself, as the names that lead to it.

    Families have ten families each, and those of the third level nine tasks.
    """

    def endless() -> Iterator[tuple[str, ...]]:
        for top in count():
            yield (f"f{top:03}",)
            for middle, leaf in product(range(10), range(10)):
                if not leaf:
                    yield f"f{top:03}", f"m{middle}"
                yield f"f{top:03}", f"m{middle}", f"h{leaf}"
                yield from ((f"f{top:03}", f"m{middle}", f"h{leaf}", f"t{task}") for task in range(9))

    return islice(endless(), nodes - 1)


def suite(name: str, nodes: int, *, plain: bool = False) -> str:
    """Return a suite with so many nodes; unless `plain`, a task has a variable, label, meter and event."""
    lines = [f"suite {name}"]
    families = 0  # that are open
    for names in tree(nodes):
        lines += ["endfamily"] * (families + 1 - len(names))
        families = min(len(names), DEPTH_OF_TASKS - 1)
        if len(names) < DEPTH_OF_TASKS:
            lines.append(f"family {names[-1]}")
            continue
        number = int(names[-1][1:])
        lines.append(f"task {names[-1]}")
        if plain:
            continue
        lines += [f"edit STEP '{number * 6}'", 'label info "waiting for data"']
        lines += ["meter progress 0 100 100", "event 1 ready"]
    return "\n".join([*lines, *["endfamily"] * families, "endsuite", ""])


def task_paths(nodes: int, changed: int) -> list[str]:
    """Tasks, spread evenly over a server's first suite of so many nodes, with which about `changed` change.

    When the state of a task does, so does that of each family above it.
    """
    names = [names for names in tree(nodes) if len(names) == DEPTH_OF_TASKS]
    wanted = max(1, changed // DEPTH_OF_TASKS)
    return ["/".join(("/s0", *names[number * len(names) // wanted])) for number in range(wanted)]


@dataclass
class Environment:
    """Servers and a configuration in a folder of their own."""

    home: Path
    redis: RedisServer
    stack: ExitStack
    measure: Callable[..., float] = seconds
    watchman: Watchman = field(init=False)
    turns: Counter[int] = field(default_factory=Counter)  # by the server's port
    servers: int = 1  # that are configured

    def __post_init__(self) -> None:
        (self.home / "user").mkdir()
        self.watchman = Watchman(self.home / "user")

    def ecflow(
        self, nodes: int, in_suites_of: int = NODES_OF_A_SUITE, *, plain: bool = False
    ) -> EcflowServer:
        """A server with so many nodes, begun, and halted so that nothing changes by itself."""
        home = Path(tempfile.mkdtemp(dir=self.home))
        server = EcflowServer(home).start()
        self.stack.callback(server.stop)
        for number in range(-(-nodes // in_suites_of)):
            size = min(in_suites_of, nodes - number * in_suites_of)
            server.load_text(suite(f"s{number}", size, plain=plain))
            server.begin_suite(f"s{number}")
        server.await_next_second()  # or the next run reads it in full
        return server

    def configure(self, addresses: Sequence[tuple[str, int]], **rest: Any) -> None:
        """Have watchman watch these, as bench/s0, bench/s1 and so on."""
        servers = [
            {"owner": "bench", "repo": f"s{number}", "host": host, "port": port}
            for number, (host, port) in enumerate(addresses)
        ]
        self.watchman.configure(self.redis.url, servers, **rest)
        self.servers = len(servers)

    def collect(self, mode: str | None = None, *arguments: str, number: int | None = None) -> float:
        """The wall time of `watchman collect`; raises as `check` does, for server `number` or for all."""
        taken = self.timed(WATCHMAN, "collect", "--config", str(self.watchman.config), *arguments)
        self.check(mode, None if number is None else (number,))
        return taken

    def check(self, mode: str | None, numbers: Iterable[int] | None = None) -> None:
        """Raise Failed if one of these servers, or of all, was read in another mode than this one."""
        for number in range(self.servers) if numbers is None else numbers:
            health = health_of(self.redis.client, f"bench/s{number}")
            sync = health["sync"] if health else {"mode": None, "reason": None}
            if mode and sync["mode"] != mode:
                raise Failed(f"s{number}: {mode} was wanted, and it was {sync['mode']}: {sync['reason']}")

    def collect_anew(self) -> float:
        """The wall time of `watchman collect` where no run was before."""
        self.redis.client.flushall()
        return self.collect("full")

    def tell_apart(self) -> None:
        """Make the runs after which each server is known from its later starts: the next reads changes."""
        self.collect_anew()
        time.sleep(APART.total_seconds())
        self.collect()

    def imports(self) -> float:
        """The wall time of a process that imports what the command cannot do without, and ends."""
        return self.timed(sys.executable, "-c", "import redis, typer, yaml, orjson")

    def bare_peak(self, *addresses: tuple[str, int]) -> float:
        """The peak memory of the bare process, in bytes."""
        output = self.home / "bare_peak"
        self.timed(
            ECFLOW_PYTHON, "-c", BARE + BARE_PEAK, *(f"{host}:{port}" for host, port in addresses),
            output=output,
        )  # fmt: skip
        return float(output.read_text()) * 1024

    def peak(self, *arguments: str) -> float:
        """The peak memory of the process that `watchman collect` is, in bytes."""
        output = self.home / "peak"
        self.timed(
            sys.executable, "-c", REPORTING_ITS_PEAK, str(output), "collect",
            "--config", str(self.watchman.config), *arguments,
        )  # fmt: skip
        return float(output.read_text()) * 1024

    def bare(self, *addresses: tuple[str, int]) -> float:
        """The wall time of a process that syncs with each of these in turn, and does nothing else."""
        return self.timed(ECFLOW_PYTHON, "-c", BARE, *(f"{host}:{port}" for host, port in addresses))

    def timed(self, *command: str, output: int | Path = subprocess.DEVNULL) -> float:
        """The wall time of a process in watchman's environment."""
        if isinstance(output, Path):
            with output.open("wb") as file:
                return self.timed(*command, output=file.fileno())
        return self.measure(command, self.watchman.environment(), self.watchman.home, output)

    def change(
        self, server: EcflowServer, nodes: int, changed: int, in_suites_of: int = NODES_OF_A_SUITE
    ) -> None:
        """Give another state to so many of a server's nodes, all of them in its first suite if not all."""
        self.turns[server.port] += 1
        state = "State.complete" if self.turns[server.port] % 2 else "State.aborted"
        if changed >= nodes:
            for number in range(-(-nodes // in_suites_of)):
                server.force_state_recursive(f"/s{number}", state)
        elif changed:
            server.force_state(task_paths(min(nodes, in_suites_of), changed), state)


class Staying:
    """A client that stays, as a viewer does, so that the bindings themselves ask for what changed."""

    def __init__(self, on: Environment, server: EcflowServer) -> None:
        self._process = subprocess.Popen(
            [ECFLOW_PYTHON, "-c", STAYING, server.host, str(server.port)],
            env=on.watchman.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        on.stack.callback(self._end)

    def sync(self) -> None:
        """Have it sync. Raises Failed."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()
        if not self._process.stdout.readline():
            raise Failed("the client that stays has ended")

    def _end(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def environment(measure: Callable[..., float] = seconds) -> Iterator[Environment]:
    """A place to measure on, gone afterwards with all that was started there; `measure` times a process."""
    with tempfile.TemporaryDirectory(prefix="watchman-bench") as folder, ExitStack() as stack:
        home = Path(folder)
        redis = RedisServer(home).start()
        stack.callback(redis.stop)
        stack.callback(redis.client.close)
        yield Environment(home, redis, stack, measure)


def address(server: EcflowServer) -> tuple[str, int]:
    """Where a server listens."""
    return server.host, server.port


def processes_of(home: Path) -> int:
    """How many processes have their home in a folder."""
    import psutil

    found = 0
    for process in psutil.process_iter():
        try:
            found += process.environ().get("HOME") == str(home) and process.pid != os.getpid()
        except psutil.Error:  # it has ended, or is somebody else's
            pass
    return found
