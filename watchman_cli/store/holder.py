"""The holder of a lease: its identity, and the proof that it is dead."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path

_DEAD_STATES = "ZXx"  # proc(5): a zombie, or dead
_WORDS = 5  # in a token


def new_token() -> bytes:
    """Return a name for one lease of this process: host, machine, PID, start time, and a random part."""
    return f"{_identity(os.getpid())} {os.urandom(8).hex()}".encode()


def is_dead(token: bytes) -> bool:
    """Return whether `token` is of a process on this machine that is proved to have exited.

    A process that cannot be seen may be alive: with `hidepid` (proc(5)), /proc hides other users' processes.
    """
    try:
        _, machine, pid, started, _ = token.decode().split()
        if machine != _machine() or machine == "?":
            return False
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # it exists; another user runs it
    except (ValueError, OverflowError):
        return False  # not a token of watchman: the lock expires by itself, or never
    state, now = _state_and_start(int(pid))
    return state in _DEAD_STATES or (now != started and "?" not in (now, started))


def may_be_alive(token: bytes) -> bool:
    """Return whether a lock's content names a process that may still run."""
    return is_token(token) and not is_dead(token)


def is_token(content: bytes) -> bool:
    """Return whether a lock's content has the form of a token. All versions have the same form."""
    return len(content.split()) == _WORDS


def describe(token: bytes) -> str:
    """Return the process that holds the lease `token`, for an operator."""
    words = token.decode(errors="replace").split()
    return f"PID {words[2]} on {words[0]}" if len(words) == _WORDS else "an unknown process"


@cache
def _identity(pid: int) -> str:
    return f"{socket.gethostname()} {_machine()} {pid} {_state_and_start(pid)[1]}"


def _machine() -> str:
    """Return the ID of this machine's boot, and its PID namespace."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return "?"


def _state_and_start(pid: int) -> tuple[str, str]:
    """Return a process's state, and its start in clock ticks since the boot, or `?` for both."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return fields[0], fields[19]
    except (OSError, IndexError):
        return "?", "?"
