"""One share of the servers, for one task of several: each server is in the share of one task.

Rendezvous hashing by name: each server has a score for each task, from its name alone, and is in the share of
the task with the highest one. So another server moves no server, and another task takes only its own share.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from hashlib import shake_128
from typing import NamedTuple

MOST = 10_000  # tasks: each has a score for each server
_SLURM = "SLURM_ARRAY_TASK_"
_PBS = ("PBS_ARRAY_INDEX", "PBS_ARRAYID")
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


class Shard(NamedTuple):
    """The share of the task `number`, from 1, of several `tasks`."""

    number: int
    tasks: int

    def has(self, name: str) -> bool:
        """Return whether the server `name`, owner/repo, is in this share."""
        return task_of(name, self.tasks) == self.number


def task_of(name: str, count: int) -> int:
    """Return the task, from 1 to `count`, in whose share the server `name`, owner/repo, is.

    The score of a task is the same for any `count`: the hash's bytes do not depend on their number.
    """
    scores = struct.unpack(f">{count}Q", shake_128(name.encode()).digest(8 * count))
    return scores.index(max(scores)) + 1


def parse_shard(text: str, environment: Mapping[str, str]) -> Shard:
    """Return the share that K/N, auto or auto/N means in this environment. Raises ValueError."""
    if text == "auto":
        return _slurm_array(environment)
    number, slash, count = text.partition("/")
    if not slash or not _NUMBER.fullmatch(count) or not (number == "auto" or _NUMBER.fullmatch(number)):
        raise ValueError("use K/N, auto or auto/N")
    if number != "auto":
        return _checked(int(number), int(count), f"{number}/{count}")
    task, source = _array_index(environment)
    return _checked(task, int(count), f"task {task} by {source}")


def _checked(number: int, count: int, source: str) -> Shard:
    if not 1 <= count <= MOST:
        raise ValueError(f"there can be 1 to {MOST} shares, not {count}")
    if not 1 <= number <= count:
        raise ValueError(f"{source} is not one of 1 to {count}")
    return Shard(number, count)


def _slurm_array(environment: Mapping[str, str]) -> Shard:
    """Return the share of a task of a Slurm array without holes."""
    if _SLURM + "ID" not in environment:
        pbs = next((name for name in _PBS if name in environment), None)
        if pbs:
            raise ValueError(f"PBS sets {pbs}, but not the number of tasks: use auto/N")
        raise ValueError(f"{_SLURM}ID is not set: this is not a task of a Slurm array")
    low, high, step, count = (_number(environment, _SLURM + name) for name in ("MIN", "MAX", "STEP", "COUNT"))
    if not step or (high - low) // step + 1 != count or (high - low) % step:
        raise ValueError(
            f"the array has {count} tasks from {low} to {high} with step {step}, so it has holes: "
            "use an array without holes, or auto/N"
        )
    return _checked(_slurm_index(environment), count, "the task")


def _slurm_index(environment: Mapping[str, str]) -> int:
    """Return the place of a task in its array, from 1."""
    task, low, step = (_number(environment, _SLURM + name) for name in ("ID", "MIN", "STEP"))
    if not step or (task - low) % step:
        raise ValueError(f"{_SLURM}ID is {task}, which is not {low} plus a multiple of {step}")
    return (task - low) // step + 1


def _array_index(environment: Mapping[str, str]) -> tuple[int, str]:
    """Return the place of a task in its array, from 1, and the variable that says so."""
    if _SLURM + "ID" in environment:
        return _slurm_index(environment), _SLURM + "ID"
    for name in _PBS:
        if name in environment:
            return _number(environment, name), name
    raise ValueError(f"neither {_SLURM}ID nor {_PBS[0]} is set: this is not a task of an array")


def _number(environment: Mapping[str, str], name: str) -> int:
    text = environment.get(name, "")
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{name} is {'not a number' if text else 'not set'}")
    return int(text)
