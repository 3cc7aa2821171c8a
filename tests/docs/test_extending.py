"""The errands of docs/extending.md: each diff applies to the package as it is, and does what it says."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import ROOT, examples
from tests.integration.test_collect import load_seven
from tests.support.ecflow_server import EcflowServer
from tests.support.loopback import await_true
from tests.support.redis_server import RedisServer, health_of, status_of
from tests.support.watchman import Watchman

DIFFS = {
    "sqlite": next(each.code for each in examples("diff") if "sqlite" in each.code),
    "spreadsheet": next(each.code for each in examples("diff") if "spreadsheet" in each.code),
    "aborted": next(each.code for each in examples("diff") if "aborted" in each.code),
    "try_no": next(each.code for each in examples("diff") if "try_no" in each.code),
}


def extended(folder: Path, name: str) -> Path:
    """Return a copy of the package to which the diff of this name was applied."""
    copy = folder / name
    shutil.copytree(
        ROOT / "watchman_cli", copy / "watchman_cli", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copytree(ROOT / "schemas", copy / "schemas")
    command = ["git", "apply", "-C1", "-"]
    outside = {"GIT_CEILING_DIRECTORIES": str(folder), "PATH": "/usr/bin:/bin"}
    subprocess.run(command, cwd=copy, env=outside, input=DIFFS[name], text=True, check=True)
    if name == "sqlite":
        shutil.copy(ROOT / "examples" / "sqlite_store.py", copy / "watchman_cli" / "store" / "sqlite.py")
    return copy


def test_every_diff_is_tested() -> None:
    assert [each.page for each in examples("diff")] == ["docs/extending.md"] * len(DIFFS)


@pytest.mark.parametrize("name", DIFFS)
def test_a_diff_touches_few_lines_of_what_is_there(name: str) -> None:
    parts = DIFFS[name].split("diff --git ")
    old = "".join(part.split("\n", 3)[-1] for part in parts if "new file" not in part)
    assert 1 <= len([line for line in old.splitlines() if line.startswith("+")]) <= 5


def test_the_diffs_are_in_the_projects_style(tmp_path: Path) -> None:
    for name in DIFFS:
        copy = extended(tmp_path, name)
        shutil.copy(ROOT / "pyproject.toml", copy)
        for check in (["format", "--check"], ["check"]):
            command = [sys.executable, "-m", "ruff", *check, "watchman_cli"]
            result = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
            assert result.returncode == 0, (name, result.stdout)
        # One cache for all, since nearly all of the package is the same.
        types = [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path / "mypy"), "watchman_cli"]
        subprocess.run(types, cwd=copy, check=True)


def test_the_errands_work(
    ecflow: EcflowServer, redis: RedisServer, watchman: Watchman, tmp_path: Path
) -> None:
    load_seven(ecflow)
    watchman.configure(redis.url, [{"owner": "nwp_xp", "repo": "nwpc_op", "address": ecflow}])
    assert watchman.collect().code == 0

    def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "watchman_cli", *arguments, "--config", str(watchman.config)]
        copy = extended(tmp_path, name)
        return subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)

    table = run("spreadsheet", "list", "--csv")
    assert table.stdout.splitlines()[0].startswith("server,age,aborted,active,")
    assert table.stdout.splitlines()[1].startswith("nwp_xp/nwpc_op,")
    aborted = run("aborted", "aborted", "nwp_xp/nwpc_op")
    assert (aborted.returncode, aborted.stderr) == (1, "")
    assert aborted.stdout.startswith("/")


def test_the_added_store_keeps_the_contract(tmp_path: Path) -> None:
    copy = extended(tmp_path, "sqlite")
    shutil.copytree(ROOT / "tests", copy / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/docs/sqlite_contract.py",
    ]
    result = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
    assert " passed" in result.stdout


def test_a_detail_is_kept_in_full_and_incremental_runs(
    ecflow: EcflowServer, redis: RedisServer, watchman: Watchman, tmp_path: Path
) -> None:
    ecflow.load_text("suite s\ntask t\nendsuite\n")
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", "address": ecflow}])
    copy = extended(tmp_path, "try_no")

    def collected() -> Mapping[str, Any]:
        """Collect with the extended package, and return the task's record."""
        command = [sys.executable, "-m", "watchman_cli", "collect", "--config", str(watchman.config)]
        subprocess.run(command, cwd=copy, check=True)
        document: Any = status_of(redis.client, "o/r")
        return next(record for record in document["status_records"] if record["path"] == "/s/t")

    ecflow.await_next_second()
    assert "try_no" not in collected()
    ecflow.restart_server()
    ecflow.begin_suite("s")
    await_true(lambda: ["/s/t", "aborted"] in ecflow.snapshot()["records"], "it has no script to run")
    assert collected()["try_no"] >= 1
    ecflow.halt_server()
    ecflow.requeue("/s/t", "force")
    assert "try_no" not in collected()
    assert (health_of(redis.client, "o/r") or {})["sync"]["mode"] == "incremental"
