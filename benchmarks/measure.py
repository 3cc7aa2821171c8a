"""Measuring: processes timed from start to end, samples side by side, and what they are to reach."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Action = Callable[[], float]


class Failed(Exception):
    """A process that was to be measured failed, or did something other than what was to be measured."""


@dataclass(frozen=True)
class Scale:
    """How large the things measured are, and how often each is measured."""

    small: int = 1_000  # nodes of a small server
    large: int = 100_000  # of a large one
    huge: int = 1_000_000
    servers: int = 200
    with_hung: int = 50
    fleet: int = 2_000
    slow: float = 8.0  # seconds until a slow server of the fleet answers
    runs: int = 1_000  # in a row
    rounds: int = 9
    few_rounds: int = 3  # of what takes long, or hardly varies

    @property
    def middle(self) -> int:
        """Nodes of a server between the small and the large one."""
        return max(self.small, self.large // 10)


QUICK = Scale(
    small=100,
    large=2_000,
    huge=20_000,
    servers=8,
    with_hung=4,
    fleet=80,
    slow=0.5,
    runs=4,
    rounds=1,
    few_rounds=1,
)


@dataclass(frozen=True)
class Target:
    """What watchman's median is to be at most; each bound that is set must hold."""

    ratio: float | None = None  # times the baseline: the median of the rounds' ratios
    value: float | None = None  # by itself
    more: float | None = None  # more than the baseline


@dataclass(frozen=True)
class Line:
    """One thing that was measured, in a baseline's way and in watchman's, round by round."""

    what: str
    unit: str  # s, bytes, or what is counted
    ours: Sequence[float]
    baseline: Sequence[float] = ()
    target: Target | None = None

    @property
    def ratios(self) -> list[float]:
        """Watchman's to the baseline's, of each round."""
        return [ours / base for ours, base in zip(self.ours, self.baseline, strict=False) if base]

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        if self.target is None:
            return None
        ours = statistics.median(self.ours)
        held = [True]
        if self.target.ratio is not None:
            held.append(statistics.median(self.ratios) <= self.target.ratio)
        if self.target.value is not None:
            held.append(ours <= self.target.value)
        if self.target.more is not None:
            held.append(ours - statistics.median(self.baseline) <= self.target.more)
        return all(held)


def interleaved(rounds: int, **actions: Action) -> dict[str, list[float]]:
    """The samples of each action, taken in turn (A B A B ...), after a round that is not counted."""
    samples: dict[str, list[float]] = {name: [] for name in actions}
    for number in range(rounds + 1):
        for name, action in actions.items():
            sample = action()
            if number:
                samples[name].append(sample)
    return samples


def seconds(
    command: Sequence[str], environment: Mapping[str, str], cwd: Path, output: int = subprocess.DEVNULL
) -> float:
    """The wall time of a whole process. Raises Failed where it does not exit with 0."""
    with tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, env=environment, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=errors
        )
        code = process.wait()
        taken = time.perf_counter() - began
        if code:
            errors.seek(0)
            raise Failed(f"{command[0]}: exit code {code}: {errors.read()[-500:].decode('utf-8', 'replace')}")
    return taken


def cpu_seconds(
    command: Sequence[str], environment: Mapping[str, str], cwd: Path, output: int = subprocess.DEVNULL
) -> float:
    """The CPU time of a whole process, user and system. Raises Failed where it does not exit with 0."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds(command, environment, cwd, output)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def cpu(pid: int) -> float:
    """Seconds that a process has run on a CPU, in all its threads, as the scheduler counts them."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def machine() -> dict[str, Any]:
    """Where the figures are taken."""
    model = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {"cores": os.cpu_count(), "cpu": model[0].partition(": ")[2] if model else None}
