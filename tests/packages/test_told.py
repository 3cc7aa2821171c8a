"""From nothing, as the documentation says: package, timer, an abort that is told once, and its end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.packages.machine import APT, Machine, copy_root, run_in
from tests.support.ecflow_server import EcflowServer
from tests.support.loopback import await_true, free_port
from tests.support.receiver import Receiver

PATIENCE = 600  # seconds: runs, checks and Alertmanager's groups have their intervals
SHIPPED = Path("usr/share/doc/ecflow-watchman/examples/icinga2/watchman.conf")
DEFINITION = "suite s\n  task t\n    defstatus complete\nendsuite\n"
STATE = re.compile(r"SERVICEDESC::(\S+).*\tSERVICESTATE::(\w+)")


def configure(root: Path, ecflow: EcflowServer, alertmanager: int, receiver: str) -> None:
    """Write what an operator writes: watchman's servers, Alertmanager's receiver, Icinga's services."""
    (root / "etc/default/prometheus-alertmanager").write_text(
        f'ARGS="--web.listen-address=127.0.0.1:{alertmanager} --cluster.listen-address="\n'
    )
    route = {"receiver": "operators", "group_by": ["..."], "group_wait": "5s", "group_interval": "10s"}
    hook = {"name": "operators", "webhook_configs": [{"url": receiver}]}
    (root / "etc/prometheus/alertmanager.yml").write_text(
        yaml.safe_dump({"route": route, "receivers": [hook]})
    )

    server = {"owner": "nwp_xp", "repo": "nwpc_op", "host": ecflow.host, "port": ecflow.port}
    shared = {"store": "file:///var/lib/watchman", "servers": [server]}
    notify = {"for": "30s", "alertmanager": [f"http://127.0.0.1:{alertmanager}"]}
    (root / "etc/watchman/config.yaml").write_text(yaml.safe_dump({**shared, "notify": notify}))
    (root / "etc/watchman/reader.yaml").write_text(yaml.safe_dump(shared))

    definitions = (root / SHIPPED).read_text()
    definitions = definitions.replace("/opt/watchman/.venv/bin/watchman", "/usr/bin/ecflow-watchman")
    definitions = re.sub(
        r'  vars.ecflow_servers\["nwp_xp/nwpc_qu"\] = {.*?\n  }\n', "", definitions, flags=re.S
    )
    (root / "etc/icinga2/conf.d/watchman.conf").write_text(definitions)


def states(root: Path) -> dict[str, str]:
    """Return the last state of each of Icinga's services of ecFlow."""
    found: dict[str, str] = {}
    for file in sorted(service_files(root)):
        found.update(STATE.findall(file.read_text()))
    return {name: state for name, state in found.items() if name.startswith("ecflow-")}


def service_files(root: Path) -> Iterator[Path]:
    yield from (root / "var/spool/icinga2").rglob("service-perfdata*")


@pytest.mark.timeout(3 * PATIENCE)
def test_an_abort_is_one_message_and_a_red_service_until_its_end(
    ecflow: EcflowServer, package: Path, bare: Path
) -> None:
    root = copy_root(bare, "told")
    run_in(root, *APT, "install", str(package), "prometheus-alertmanager", "icinga2")
    ecflow.load_text(DEFINITION)
    ecflow.restart_server()
    ecflow.begin_all_suites()
    with Receiver() as receiver:
        configure(root, ecflow, free_port(), receiver.url)
        run_in(root, "chown", "nagios", "/etc/watchman/reader.yaml")
        run_in(root, "chmod", "600", "/etc/watchman/reader.yaml")
        run_in(root, "icinga2", "feature", "enable", "perfdata")
        with Machine(root) as machine:
            machine.run("icinga2", "daemon", "-C")
            machine.run(
                "ecflow-watchman", "config", "check", "--connect", "--config", "/etc/watchman/config.yaml"
            )
            machine.run("systemctl", "start", "watchman.service")
            machine.run("systemctl", "enable", "--now", "watchman.timer")

            def are(state: str) -> bool:
                found = states(root)
                return found.get("ecflow-all") == found.get("ecflow-nwp_xp-nwpc_op") == state

            def alerts(status: str) -> list[str]:
                sent = [each for body in receiver.bodies for each in body["alerts"]]
                return [each["labels"]["cause"] for each in sent if each["status"] == status]

            await_true(lambda: are("OK"), "the services are not OK", PATIENCE)
            ecflow.force_state("/s/t", "State.aborted")
            await_true(lambda: alerts("firing"), "no message", PATIENCE)
            await_true(lambda: are("CRITICAL"), "the services are not red", PATIENCE)

            ecflow.force_state("/s/t", "State.complete")
            await_true(lambda: alerts("resolved"), "no message of the end", PATIENCE)
            await_true(lambda: are("OK"), "the services stay red", PATIENCE)
            assert (alerts("firing"), alerts("resolved")) == (["/s/t"], ["/s/t"])
