"""The share of the servers that one task of several has."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchman_cli.shard import MOST, Shard, parse_shard, task_of

NAMES = [f"owner{number % 7}/repo{number}" for number in range(2000)]


def slurm(**values: int | str) -> dict[str, str]:
    return {f"SLURM_ARRAY_TASK_{name}": str(value) for name, value in values.items()}


@given(st.text(min_size=1).filter(lambda text: text.isprintable()), st.integers(1, 40))
def test_each_server_has_one_task_and_another_task_takes_only_its_own(name: str, count: int) -> None:
    assert sum(Shard(number, count).has(name) for number in range(1, count + 1)) == 1
    assert task_of(name, count + 1) in (task_of(name, count), count + 1)


def test_shares_are_even() -> None:
    shares = Counter(task_of(name, 8) for name in NAMES)
    assert sorted(shares) == list(range(1, 9))
    assert all(200 < number < 300 for number in shares.values())


def test_another_task_takes_its_share_only() -> None:
    moved = [name for name in NAMES if task_of(name, 8) != task_of(name, 9)]
    assert all(task_of(name, 9) == 9 for name in moved)
    assert 170 < len(moved) < 280


def test_shares_are_the_same_in_each_release_and_on_each_machine() -> None:
    """Hosts may have other releases: a server must not be read by two tasks, or by none."""
    names = ("nwp_xp/nwpc_op", "nwp_xp/nwpc_pd", "met/tromsø", "a/b")
    assert [task_of(name, 8) for name in names] == [1, 6, 5, 2]


@pytest.mark.parametrize(
    ("text", "environment", "shard"),
    [
        ("1/1", {}, (1, 1)),
        ("3/8", {}, (3, 8)),
        (f"{MOST}/{MOST}", {}, (MOST, MOST)),
        ("auto", slurm(ID=1, MIN=1, MAX=8, STEP=1, COUNT=8), (1, 8)),
        ("auto", slurm(ID=0, MIN=0, MAX=7, STEP=1, COUNT=8), (1, 8)),
        ("auto", slurm(ID=7, MIN=1, MAX=7, STEP=2, COUNT=4), (4, 4)),
        ("auto", slurm(ID=5, MIN=5, MAX=5, STEP=1, COUNT=1), (1, 1)),
        ("auto/8", slurm(ID=7, MIN=1, MAX=7, STEP=2, COUNT=4), (4, 8)),
        ("auto/8", {"PBS_ARRAY_INDEX": "8"}, (8, 8)),
        ("auto/8", {"PBS_ARRAYID": "1"}, (1, 8)),
        ("auto/8", {**slurm(ID=2, MIN=1, STEP=1), "PBS_ARRAY_INDEX": "8"}, (2, 8)),
    ],
)
def test_shares(text: str, environment: dict[str, str], shard: tuple[int, int]) -> None:
    assert parse_shard(text, environment) == shard


@pytest.mark.parametrize(
    ("text", "environment", "said"),
    [
        ("", {}, "use K/N, auto or auto/N"),
        ("8", {}, "use K/N, auto or auto/N"),
        ("a/8", {}, "use K/N, auto or auto/N"),
        ("1/8/9", {}, "use K/N, auto or auto/N"),
        ("-1/8", {}, "use K/N, auto or auto/N"),
        ("1 /8", {}, "use K/N, auto or auto/N"),
        ("١/8", {}, "use K/N, auto or auto/N"),
        ("auto/", {}, "use K/N, auto or auto/N"),
        ("0/8", {}, "0/8 is not one of 1 to 8"),
        ("9/8", {}, "9/8 is not one of 1 to 8"),
        ("0/0", {}, "there can be 1 to 10000 shares, not 0"),
        ("1/10001", {}, "there can be 1 to 10000 shares, not 10001"),
        ("auto", {}, "SLURM_ARRAY_TASK_ID is not set: this is not a task of a Slurm array"),
        (
            "auto",
            {"PBS_ARRAY_INDEX": "1"},
            "PBS sets PBS_ARRAY_INDEX, but not the number of tasks: use auto/N",
        ),
        ("auto", slurm(ID=1, MIN=1, MAX=8, STEP=1), "SLURM_ARRAY_TASK_COUNT is not set"),
        ("auto", slurm(ID=1, MIN=1, MAX=8, STEP=1, COUNT="x"), "SLURM_ARRAY_TASK_COUNT is not a number"),
        (
            "auto",
            slurm(ID=1, MIN=1, MAX=8, STEP=1, COUNT=7),
            "the array has 7 tasks from 1 to 8 with step 1, so it has holes: "
            "use an array without holes, or auto/N",
        ),
        (
            "auto",
            slurm(ID=1, MIN=1, MAX=8, STEP=0, COUNT=8),
            "the array has 8 tasks from 1 to 8 with step 0, so it has holes: "
            "use an array without holes, or auto/N",
        ),
        ("auto", slurm(ID=9, MIN=1, MAX=8, STEP=1, COUNT=8), "the task is not one of 1 to 8"),
        (
            "auto",
            slurm(ID=2, MIN=1, MAX=7, STEP=2, COUNT=4),
            "SLURM_ARRAY_TASK_ID is 2, which is not 1 plus a multiple of 2",
        ),
        ("auto/2", slurm(ID=3, MIN=1, STEP=1), "task 3 by SLURM_ARRAY_TASK_ID is not one of 1 to 2"),
        ("auto/8", {"PBS_ARRAY_INDEX": "9"}, "task 9 by PBS_ARRAY_INDEX is not one of 1 to 8"),
        ("auto/8", {"PBS_ARRAY_INDEX": "0"}, "task 0 by PBS_ARRAY_INDEX is not one of 1 to 8"),
        ("auto/8", {"PBS_ARRAYID": "a"}, "PBS_ARRAYID is not a number"),
        (
            "auto/8",
            {},
            "neither SLURM_ARRAY_TASK_ID nor PBS_ARRAY_INDEX is set: this is not a task of an array",
        ),
    ],
)  # fmt: skip
def test_what_is_no_share(text: str, environment: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_shard(text, environment)
    assert str(caught.value) == said
