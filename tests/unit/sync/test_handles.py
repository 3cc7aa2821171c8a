"""Client handles: which are this watchman's, and which are unused."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from watchman_cli.ecflow_client import Answer, Handle
from watchman_cli.sync.handles import (
    DROPPED,
    OTHER_SUITES,
    own_marker,
    passing_marker,
    prefix_of,
    referee_marker,
    stale_handles,
    why_not_ours,
)

MARKER = "watchman_0123456789abcdef"
PREFIX = "watchman_01234567"
OTHER = "watchman_76543210"
MINE = Handle(5, "fred", (MARKER, "s", "t"))


def dead_process() -> int:
    """Return the number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


@pytest.mark.parametrize(
    ("handles", "reason"),
    [
        ((MINE,), None),
        ((Handle(4, "x", ("s",)), MINE, Handle(6, "x", (MARKER,))), None),
        ((MINE._replace(suites=("t", MARKER, "s")),), None),
        (None, DROPPED),
        ((), DROPPED),
        ((MINE._replace(number=6),), DROPPED),
        ((MINE._replace(suites=("s", "t")),), DROPPED),
        ((MINE._replace(suites=(MARKER, "s")),), OTHER_SUITES),
        ((MINE._replace(suites=(MARKER, "s", "t", "u")),), OTHER_SUITES),
    ],
)
def test_handle_is_ours_only_with_its_marker_and_suites(
    handles: tuple[Handle, ...] | None, reason: str | None
) -> None:
    assert why_not_ours(Answer(handles=handles), 5, MARKER, ("s", "t")) == reason


def test_handle_without_a_marker_is_not_ours() -> None:
    assert why_not_ours(Answer(handles=(Handle(5, "fred", ("", "s")),)), 5, "", ("s",)) == DROPPED


def test_markers() -> None:
    kept = {own_marker(MARKER) for _ in range(5)}
    assert len(kept) == 5 and all(re.fullmatch(PREFIX + "[0-9a-f]{8}", each) for each in kept)
    assert prefix_of(MARKER) == PREFIX
    assert passing_marker(MARKER) == f"{MARKER}_{os.getpid()}"
    assert referee_marker(MARKER) == f"{MARKER}_referee"


@pytest.mark.parametrize(
    ("suite", "is_stale"),
    [
        (MARKER, True),
        (PREFIX + "00000000", True),
        (f"{MARKER}_referee", True),
        (f"{MARKER}_{10**30}", True),  # no process has that number
        (f"{MARKER}_1", False),  # a process that belongs to another user, or to root
        (f"{MARKER}_x", False),
        (MARKER + "0", False),
        (MARKER[:-1], False),
        ("x" + MARKER, False),
        (OTHER + MARKER[-8:], False),
        ("s", False),
    ],
)
def test_handle_is_stale_if_no_run_uses_it(suite: str, is_stale: bool) -> None:
    handles = [Handle(7, "fred", ("s", suite))]
    assert stale_handles(handles, {PREFIX}, used=0) == ([7] if is_stale else [])


def test_handle_is_stale_after_its_process_ended() -> None:
    dead = Handle(7, "fred", (f"{MARKER}_{dead_process()}",))
    running = Handle(8, "fred", (f"{MARKER}_{os.getpid()}",))
    assert stale_handles([dead, running], {PREFIX}, used=0) == [7]


def test_process_of_another_user_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int, number: int) -> None:
        assert (pid, number) == (77, 0)
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert stale_handles([Handle(7, "fred", (f"{MARKER}_77",))], {PREFIX}, used=0) == []


def test_handle_in_use_is_not_stale() -> None:
    handles = [Handle(number, "fred", (MARKER,)) for number in (1, 2, 3)]
    assert stale_handles(handles, {PREFIX, OTHER}, used=2) == [1, 3]
    assert stale_handles(handles, {OTHER}, used=2) == []
    assert stale_handles(handles, set(), used=2) == []
