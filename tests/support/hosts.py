"""Hosts of a network of their own: network and UTS namespaces, and a PID namespace for all that a host runs.

The centre is a namespace too, in which the tests start their servers. All of it goes with its processes.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import require_namespace

CENTRE = "10.141.0.1"
CLONE_NEWNET = 0x40000000  # sched.h
# It stays as long as its standard input is open.
WAIT = 'hostname "$0" && ip link set lo up && echo && read -r _'
RUN = """
count=$1; shift
while [ "$count" -gt 0 ]; do { "$@"; echo "exit code $?"; } & count=$((count - 1)); done
wait
"""


class Hosts:
    """So many hosts, each with a link to the centre; a context manager."""

    def __init__(self, count: int) -> None:
        require_namespace("--net")
        require_namespace("--pid", "--fork", "--mount-proc")  # not in a chroot
        self._count = count
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Hosts:
        try:
            self._namespace("centre")
            self._ip(0, "address", "add", f"{CENTRE}/32", "dev", "lo")
            for number in range(1, self._count + 1):
                self._namespace(f"host{number}")
                pid, address = self._processes[number].pid, f"10.141.0.{10 + number}"
                link = f"host{number}"
                self._ip(0, "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", str(pid))
                self._ip(0, "link", "set", link, "up")
                self._ip(number, "address", "add", f"{address}/32", "dev", "eth0")
                self._ip(number, "link", "set", "eth0", "up")
                self._ip(0, "route", "add", address, "dev", link)
                self._ip(number, "route", "add", CENTRE, "dev", "eth0")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.communicate()

    @contextmanager
    def centre(self) -> Iterator[None]:
        """Put this thread, and the processes that it starts, into the centre's network."""
        own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        other = os.open(f"/proc/{self._processes[0].pid}/ns/net", os.O_RDONLY)
        try:
            _enter(other)
            try:
                yield
            finally:
                _enter(own)
        finally:
            os.close(own)
            os.close(other)

    def start(
        self, number: int, runs: int, command: Sequence[str], environment: dict[str, str], log: Path
    ) -> subprocess.Popen[bytes]:
        """Start a command so many times at once on a host, from 1. If the process is killed, all of it ends.

        The log has what the commands print, and their exit codes.
        """
        inside = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
        with log.open("ab") as file:
            return subprocess.Popen(
                [*self._inside(number, "net", "uts"), *inside, "sh", "-c", RUN, "sh", str(runs), *command],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )

    def _namespace(self, name: str) -> None:
        process = subprocess.Popen(
            ["unshare", "--net", "--uts", "sh", "-c", WAIT, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._processes.append(process)
        assert process.stdout and process.stdout.readline(), f"no namespace for {name}"

    def _inside(self, number: int, *kinds: str) -> list[str]:
        pid = self._processes[number].pid
        return ["nsenter", *(f"--{kind}=/proc/{pid}/ns/{kind}" for kind in kinds)]

    def _ip(self, number: int, *arguments: str) -> None:
        subprocess.run([*self._inside(number, "net"), "ip", *arguments], check=True)


def _enter(namespace: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
