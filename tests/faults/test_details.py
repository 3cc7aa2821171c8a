"""Rows of details: what the commands about a node say, and that the next runs make it good."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.arrangements.details import switched_off, without_triggers
from tests.faults.case import FaultCase
from tests.faults.environment import BAD, FaultEnvironment, FaultRun, prepare
from tests.faults.rows.details import DETAILS_ROWS
from tests.support.ecflow_server import EcflowServer

SUITE = "suite s\nfamily f\ntask a\ntask b\ntrigger a == complete\nendfamily\nendsuite\n"
COMMANDS = (("why", BAD, "/s/f/b"), ("node", BAD, "/s/f/b"), ("lint", BAD))
ASKED_FOR = (switched_off, without_triggers)  # rows that no run makes good


@pytest.mark.parametrize("row", DETAILS_ROWS, ids=lambda row: row.id)
def test_details(row: FaultCase, tmp_path: Path) -> None:
    with ExitStack() as stack:
        environment = FaultEnvironment(tmp_path, EcflowServer(tmp_path))
        run = prepare(environment, tmp_path, stack)
        server = run.own_server(SUITE)
        run.good |= {"host": server.host, "port": server.port}
        run.entry["details"] = True
        kept_before = row.setup not in ASKED_FOR
        if not kept_before:
            row.setup(run)
        assert run.collect("--server", BAD).code == 0
        if kept_before:
            row.setup(run)
        needed = COMMANDS if row.setup is not without_triggers else (COMMANDS[0], COMMANDS[2])
        for command in needed:
            result = run.watchman.run(*command)
            assert result.code == row.code and row.is_in(result.err), (command, result)
        check_the_next_runs(run, server, made_good=kept_before)


def check_the_next_runs(run: FaultRun, server: EcflowServer, *, made_good: bool) -> None:
    """Hold the next full reading to bring the details that are asked for."""
    server.await_next_second()
    server.force_state("/s/f/a", "State.aborted")
    server.load_text("suite other\nendsuite\n")  # costs a full reading
    assert run.collect("--server", BAD).code == 0
    result = run.watchman.run("why", BAD, "/s/f/b")
    assert ("a is aborted" in result.text) == made_good
