"""A directory store whose runs are killed just after one of their renames, as by a power cut."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.ecflow_server import EcflowServer
from tests.support.watchman import Watchman
from watchman_cli import schema
from watchman_cli.status import NodeStatus

DEFINITION = "suite s\n family f\n" + "".join(f"  task t{number}\n" for number in range(4)) + "endsuite\n"
DEADLINE = "/s/f/t* complete by 23:59 UTC"
_KILLED = """
import os, signal, sys

left = int(sys.argv.pop(1))

def counted(rename):
    def call(*arguments, **options):
        global left
        rename(*arguments, **options)
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
    return call

for name in ("rename", "replace", "link"):
    setattr(os, name, counted(getattr(os, name)))
from watchman_cli.__main__ import run
run()
"""


class Torn:
    """A server in a directory store, with counts and a deadline in its health record."""

    def __init__(self, ecflow: EcflowServer, watchman: Watchman, folder: Path) -> None:
        self.ecflow, self.watchman, self.folder = ecflow, watchman, folder
        self.load()
        entry = {"owner": "o", "repo": "r", "address": ecflow, "reader": "protocol", "attempts": 1}
        entry["deadlines"] = [{"path": "/s/f/t*", "by": "23:59"}]
        metrics = str(watchman.home / "watchman.prom")
        watchman.configure(f"file://{folder}", [entry], metrics_file=metrics)

    def load(self) -> None:
        """Have the server begin the suite."""
        self.ecflow.load_text(DEFINITION)
        self.ecflow.begin_all_suites()

    def read(self, field: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "o" / "r" / f"{field}.json").read_text())
        return found

    def write_health(self, **fields: Any) -> None:
        (self.folder / "o" / "r" / "health.json").write_text(json.dumps(self.read("health") | fields))

    def collect_until_rename(self, number: int) -> bool:
        """Make a run that is killed just after this rename, 1 for the first.

        Return False if it made fewer.
        """
        config = str(self.watchman.config)
        command = [sys.executable, "-c", _KILLED, str(number), "collect", "--config", config]
        done = subprocess.run(command, env=self.watchman.environment(), capture_output=True, timeout=60)
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        return done.returncode != 0

    def check(self) -> None:
        """Hold the health record to the snapshot that is there."""
        snapshot, health = self.read("status"), self.read("health")
        assert schema.is_valid("health", health)
        records = snapshot["status_records"][1:]
        counted: Mapping[str, int] = Counter(record["status"] for record in records)
        of_nodes = {name: number for name, number in health["counts"].items() if name in set(NodeStatus)}
        assert {name: number for name, number in of_nodes.items() if number} == counted
        (deadline,) = health["deadlines"]
        tasks = [record["status"] for record in records if record["path"].startswith("/s/f/t")]
        assert (deadline["deadline"], deadline["nodes"]) == (DEADLINE, len(tasks))
        assert deadline["others"] == len(tasks) - tasks.count("complete")
        assert health["counted_revision"] == snapshot["revision"]
