"""The line for a server that was asked by `config check --connect`."""

from __future__ import annotations

import pytest

from watchman_cli.collect.connection import Connection
from watchman_cli.config import make_server
from watchman_cli.ecflow_client import EcflowError, Statistics
from watchman_cli.ecflow_client.statistics import Instance
from watchman_cli.output.connection import ADVICE, describe_connection

SERVER = make_server({"owner": "o", "repo": "r", "host": "h", "port": 3141})
INSTANCE = Instance("5.9.2", "h", "3141", "2026-11-24T00:00:00+00:00")


def statistics(instance: Instance | None, state: str) -> Statistics:
    return Statistics(instance, (), state, 1, 1, {})


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (statistics(INSTANCE, "RUNNING"), "ok, ecFlow 5.9.2, RUNNING, 12 ms"),
        (statistics(INSTANCE, ""), "ok, ecFlow 5.9.2, 12 ms"),
        (statistics(None, "HALTED"), "ok, ecFlow of an unknown release, HALTED, 12 ms"),
        (None, "ok, ecFlow of an unknown release, 12 ms"),
    ],
)
def test_server_that_answers(given: Statistics | None, line: str) -> None:
    assert describe_connection(Connection(SERVER, 0.0123, given)) == f"o/r (h:3141): {line}"


class Refused(EcflowError):
    kind = "refused"


class Other(EcflowError):
    kind = "resources"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (Refused("connection refused"), f"connection refused; {ADVICE['refused']}"),
        (Refused("set `port`"), "set `port`"),
        (Other("no sockets"), "no sockets"),
        (Other("bad\x1b"), "bad?"),
    ],
)
def test_server_that_does_not_answer(error: EcflowError, line: str) -> None:
    assert describe_connection(Connection(SERVER, 1.0, error=error)) == f"o/r (h:3141): {line}"
