"""The examples for Icinga and Nagios: accepted by their checkers, complete, tried until red and back."""

from __future__ import annotations

import re
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.support.ecflow_server import EcflowServer
from tests.support.loopback import await_true
from tests.support.plugins import Icinga, Monitor, Nagios
from tests.support.redis_server import RedisServer
from tests.support.watchman import Watchman

SYSTEMS: list[type[Monitor]] = [Icinga, Nagios]
SERVICES = {Icinga: ["ecflow-all", "ecflow-nwp_xp-nwpc_op"], Nagios: ["ecflow all", "ecflow nwp_xp/nwpc_op"]}


@pytest.fixture(params=SYSTEMS, ids=lambda system: system.__name__)
def system(request: pytest.FixtureRequest) -> type[Monitor]:
    found: type[Monitor] = request.param
    return found


def test_its_own_checker_accepts_the_example(system: type[Monitor], tmp_path: Path) -> None:
    result = system(tmp_path, system.example.read_text()).validate()
    assert result.returncode == 0, result.stdout + result.stderr
    assert not re.search(r"^(Warning|.* warning/): ?.*watchman", result.stdout, re.M), result.stdout


def test_its_own_checker_refuses_a_mistake(system: type[Monitor], tmp_path: Path) -> None:
    mistaken = system.example.read_text().replace("max_check_attempts", "max_check_atempts")
    assert system(tmp_path, mistaken).validate().returncode != 0


def test_every_option_of_check_is_in_it(system: type[Monitor]) -> None:
    help_ = (
        (ROOT / "docs" / "commands.md")
        .read_text()
        .partition("$ watchman check --help")[2]
        .partition("```")[0]
    )
    options = set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", help_, re.M)) - {"--help"}
    assert {"--all", "--critical"} < options
    named = set(re.findall(r"--[a-z][a-z-]+", system.example.read_text()))
    assert options - named == set()


@pytest.mark.slow
def test_red_and_back(
    system: type[Monitor], ecflow: EcflowServer, redis: RedisServer, watchman: Watchman, tmp_path: Path
) -> None:
    ecflow.load_text("suite s\n  task t\n    defstatus complete\nendsuite\n")
    ecflow.restart_server()  # a halted server is red
    ecflow.begin_all_suites()
    servers = [{"owner": "nwp_xp", "repo": repo, "address": ecflow} for repo in ("nwpc_op", "nwpc_qu")]
    watchman.configure(redis.url, servers)
    definitions = system.example.read_text()
    installed = Path(sys.executable).with_name("watchman")
    definitions = definitions.replace("/opt/watchman/.venv/bin/watchman", str(installed))
    definitions = definitions.replace("/etc/watchman/reader.yaml", str(watchman.config))
    (home := tmp_path / "home").mkdir()
    monitor = system(home, definitions)

    def is_in(service: str, state: int) -> bool:
        return monitor.state(service) == state

    def await_all(state: int) -> None:
        for service in SERVICES[system]:
            await_true(partial(is_in, service, state), f"{service} is not {state}", 60)

    assert watchman.collect().code == 0
    with monitor.running():
        await_all(0)
        ecflow.force_state("/s/t", "State.aborted")
        assert watchman.collect().code == 0
        await_all(2)
        ecflow.force_state("/s/t", "State.complete")
        assert watchman.collect().code == 0
        await_all(0)
