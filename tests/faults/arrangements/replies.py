"""Answers that are not what ecFlow's protocol has, or that hold what a reader may not expect."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.faults.environment import MARKER, MEDIUM, FaultRun
from tests.support.faulty_server import Reply, http_server
from tests.support.jobs import prepare_jobs, start_job
from tests.support.release import HERE
from tests.unit.ecflow_client.replies import STATISTICS, definition, full, member, reply

GARBAGE = f"{MARKER} garbage ".encode()


def framed(body: bytes) -> bytes:
    """Return a body as ecFlow sends it, after its length."""
    return b"%8x" % len(body) + body


def garbage(run: FaultRun) -> None:
    """Answer what is no protocol."""
    run.answer(b"\xff\xfe\x00" + GARBAGE * 50)


def garbage_after_length(run: FaultRun) -> None:
    """Answer JSON that is not ecFlow's."""
    run.answer(framed(b'{"value0": {"x": "%s"}}' % GARBAGE))


def wild_length(run: FaultRun) -> None:
    """Announce a length below nothing."""
    run.answer(b"-0000001" + GARBAGE * 10)


def announced(run: FaultRun, length: bytes) -> None:
    """Announce a reply of this length, eight hexadecimal digits."""
    run.answer(length + GARBAGE * 10)


def nested(run: FaultRun) -> None:
    """Answer JSON that is nested 10,000 deep."""
    inside = b"[" * 10_000 + b"]" * 10_000
    run.answer(framed(b'{"22ServerToClientResponse": {"stc_cmd_": %s, "x": "%s"}}' % (inside, GARBAGE)))


def unknown_answer(run: FaultRun) -> None:
    """Answer with a command that does not exist."""
    command = b'"polymorphic_id": 2147483649, "polymorphic_name": "SNoSuchCmd", "ptr_wrapper": {"data": {}}'
    run.answer(framed(b'{"22ServerToClientResponse": {"stc_cmd_": {%s, "x": "%s"}}}' % (command, GARBAGE)))


def other_http_server(run: FaultRun) -> None:
    """Have an HTTP server that is not ecFlow's be there."""
    run.set_address(run.stack.enter_context(http_server()))


def short_lines(run: FaultRun) -> None:
    """Answer a definition of 80 MB in short lines, each of which is a node."""
    body = reply(member("SStringCmd", str_=STATISTICS), full(definition("suite s", "HERE", "endsuite")))
    run.answer(framed(bytes(body).replace(b"HERE", b"task a\\n" * 10_000_000)))


def too_large(run: FaultRun) -> None:
    """Read a large server with a small limit."""
    server = run.environment.large
    run.set_address((server.host, server.port))
    run.entry["max_reply"] = 1


def altered(run: FaultRun, pattern: bytes, by: bytes) -> None:
    """Have a real server's replies altered on their way, none of them longer or shorter than before."""
    server = run.own_server(MEDIUM)

    def behave(reply: Reply) -> None:
        data = re.sub(pattern, by, reply.data)
        assert len(data) == len(reply.data)
        reply.connection.forward(data)

    run.proxy(server, behave)


def latin_1(run: FaultRun) -> None:
    """Have a variable's value be in Latin-1."""
    altered(run, MARKER.encode(), b"\xe9" * len(MARKER))


def other_version(run: FaultRun) -> None:
    """Have the server say another version than its own."""
    version = ".".join(map(str, HERE.version)).encode()
    last = b"8" if version[-1:] != b"8" else b"9"
    altered(run, re.escape(version), version[:-1] + last)


def statistics_without(*labels: bytes) -> Callable[[FaultRun], None]:
    """Have lines of the statistics be labelled otherwise."""

    def setup(run: FaultRun) -> None:
        altered(run, b"|".join(labels), b"Something"[: len(labels[0])])

    return setup


def unknown_state(run: FaultRun) -> None:
    """Have a node's state be one that ecFlow does not have."""
    altered(run, b"state:queued", b"state:quiche")


def id_of_two_meanings(run: FaultRun) -> None:
    """Have a job name itself with an id whose second line is a node's, as ecFlow writes it."""
    server = run.own_server(MEDIUM)
    server.restart_server()
    server.load_text(f"suite jobs\n{prepare_jobs(server, 't')}task t\nendsuite\n")
    server.begin_suite("jobs")
    start_job(server, "/jobs/t", "12\ntask forged #")
    server.halt_server()
