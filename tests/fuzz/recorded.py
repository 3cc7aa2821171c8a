"""Replies of a real ecFlow server, to be mutated."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass

from tests.support.definitions import everything
from tests.support.ecflow_server import EcflowServer
from tests.support.jobs import prepare_jobs, start_job
from watchman_cli.ecflow_client import ListHandles
from watchman_cli.ecflow_client.requests import Caller, FullSync, Stats, Sync, encode_request

FAMILY = """
family f%d
task a
label l "it is\\nsaid"
task b
trigger a == complete
endfamily
"""
SUITE = "".join(FAMILY % number for number in range(8))
STATES = ("aborted", "complete", "active", "submitted", "queued", "unknown")


@dataclass(frozen=True)
class Recorded:
    """The bodies of three replies of one server.

    `first` is a full reading. `changes` is what changed since, and `second` a full reading after that.
    """

    version: str
    first: bytes
    changes: bytes
    second: bytes


def record(server: EcflowServer) -> Recorded:
    """Record a started server's replies: nodes of all kinds, ids and triggers of several lines."""
    server.restart_server()
    jobs = prepare_jobs(server, "t")
    server.load_text(f"suite jobs\n{jobs}task t\ntask last\nendsuite\n")
    server.begin_suite("jobs")
    start_job(server, "/jobs/t", "Submitted batch job 4711\nsbatch: partition ok")
    server.halt_server()
    server.load_text(f"suite s\n{SUITE}endsuite\n")
    server.load_text(everything(server.release.version))
    server.begin_suite("s")
    server.alter("/s/f0/b", "change", "trigger", "a == complete and\na ne aborted")
    first = _ask(server, Stats(), ListHandles(), FullSync())
    numbers = _numbers(first)
    for number in range(8):
        server.force_state(f"/s/f{number}/a", f"State.{STATES[number % len(STATES)]}")
    server.suspend("/s/f1")
    server.alter("/s/f2/b", "set_flag", "late")
    server.alter("/s/f3/a", "change", "label", "l", "said\nagain")
    changes = _ask(server, Stats(), Sync(*numbers))
    return Recorded(
        ".".join(map(str, server.release.version)),
        first,
        changes,
        _ask(server, Stats(), ListHandles(), FullSync()),
    )


def _ask(server: EcflowServer, *commands: object) -> bytes:
    body = encode_request(commands, Caller("fuzz", socket.gethostname()))  # type: ignore[arg-type]
    with socket.create_connection((server.host, server.port), timeout=30) as link:
        link.sendall(b"%8x" % len(body) + body)
        body = b"".join(iter(lambda: link.recv(1 << 16), b""))[8:]
    # The same size each time, so that a seed mutates the same places.
    body = re.sub(rb"(edit ECF_PID ')\d+", rb"\g<1>10000", body)
    # Of a start long ago: a reading in the first seconds of one is not used for an incremental sync.
    return re.sub(rb"(Up since +)\d{4}-\w{3}-\d\d", rb"\g<1>2026-Jan-01", body)


def _numbers(body: bytes) -> tuple[int, int]:
    """Return the change numbers in a full reading."""
    found = dict(
        token.split(b":", 1)
        for token in body.split(b"defs_state ")[1].split(b"\\n")[0].split()
        if b":" in token
    )
    return int(found[b"state_change"]), int(found[b"modify_change"])
