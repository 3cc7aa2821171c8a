"""An older package is upgraded in a running system, and put back: configuration, timer and store stay."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from tests.packages.machine import APT, Machine, copy_root, run_in
from tests.packages.test_deb import CONFIG
from tests.support.ecflow_server import EcflowServer

HEALTH = Path("var/lib/watchman/operations/example/health.json")
JOURNAL = ("journalctl", "--quiet", "--unit=watchman.service", "--priority=warning", "--output=cat")


def test_upgrade_and_back(ecflow: EcflowServer, older: Path, package: Path, bare: Path) -> None:
    ecflow.load_text("suite s\n  task t\nendsuite\n")
    ecflow.await_next_second()
    root = copy_root(bare, "upgraded")
    for file in (older, package):
        shutil.copy(file, root / "root" / file.name)
    run_in(root, *APT, "install", f"/root/{older.name}")
    edited = (root / CONFIG).read_text().replace("3141", str(ecflow.port)).replace("localhost", ecflow.host)
    (root / CONFIG).write_text(edited)

    def versions() -> tuple[str, str]:
        """Return the version of the package, and that of the program."""
        installed = machine.run("dpkg-query", "-W", "-f", "${Version}", "ecflow-watchman")
        return installed.partition("+")[0], machine.run("ecflow-watchman", "--version").split()[1]

    def run() -> Any:
        """Make a run by systemd that must succeed, and return its health record."""
        machine.run("systemctl", "start", "watchman.service")
        health = json.loads((root / HEALTH).read_text())
        assert health["ok"], health
        return health

    new = re.sub(r"^.*_(.*)\+.*$", r"\1", package.name)
    old = re.sub(r"^.*_(.*)\+.*$", r"\1", older.name)
    assert old != new
    with Machine(root) as machine:
        machine.run("systemctl", "enable", "--now", "watchman.timer")
        assert versions() == (old, old)
        run()
        before = run()["checked_time"]

        machine.run(*APT, "install", f"/root/{package.name}")
        assert versions() == (new, new)
        assert (root / CONFIG).read_text() == edited
        assert machine.run("systemctl", "is-active", "watchman.timer").strip() == "active"
        assert json.loads((root / HEALTH).read_text())["checked_time"] >= before
        run()
        assert run()["sync"]["mode"] == "unchanged"

        machine.run(*APT, "install", "--allow-downgrades", f"/root/{older.name}")
        assert versions() == (old, old)
        assert (root / CONFIG).read_text() == edited
        assert machine.run("systemctl", "is-active", "watchman.timer").strip() == "active"
        run()
        assert run()["sync"]["mode"] == "unchanged"
        assert machine.run(*JOURNAL) == ""
