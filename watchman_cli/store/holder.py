"""Who holds a lease: its identity, and the proof that it is dead."""

from __future__ import annotations

import os
import secrets
import socket
from functools import cache
from pathlib import Path


def new_token() -> bytes:
    """Return what names one lease of this process: host, machine, PID, start time, and a random part."""
    return f"{_identity()} {secrets.token_hex(8)}".encode()


def is_dead(token: bytes) -> bool:
    """Return whether the holder of the lease `token` was a process of this machine that has exited."""
    try:
        _, machine, pid, started, _ = token.decode().split()
        return machine == _machine() != "?" and _start_time(int(pid)) != started
    except ValueError:
        return False  # not of watchman's: it expires by itself, or never


@cache
def _identity() -> str:
    return f"{socket.gethostname()} {_machine()} {os.getpid()} {_start_time(os.getpid())}"


def _machine() -> str:
    """Return this boot of this machine, and the namespace that its PIDs are of."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return "?"


def _start_time(pid: int) -> str:
    """Return when a process was started, in clock ticks since the boot."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return "?"
