"""The errands of docs/extending.md, done to the letter in a copy of the project: they pass its own checks."""

from __future__ import annotations

import os
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

DIFFS = {each.id: each.code for each in examples("diff")}
# The new files of the first errand, which are examples of their own.
EXAMPLES = {
    "examples/sqlite_store.py": "watchman_cli/store/sqlite.py",
    "examples/sqlite_kind.py": "tests/support/sqlite_kind.py",
}
FILL_PAGES = """
from tests.docs.generate import PAGES, filled
for page in PAGES:
    page.write_text(filled(page.read_text()))
"""


def copy_project(folder: Path) -> Path:
    """Copy the files that belong to the project, and mypy's cache, which depends on their times."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(lambda name: (ROOT / name).is_file(), names.splitlines()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    if (ROOT / ".mypy_cache").is_dir():
        shutil.copytree(ROOT / ".mypy_cache", folder / ".mypy_cache", ignore_dangling_symlinks=True)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


def apply(diff: str, folder: Path, *options: str) -> None:
    """Apply a diff of the page, whose line numbers need not be those of today."""
    outside = {"GIT_CEILING_DIRECTORIES": str(folder.parent), "PATH": os.defpath}
    command = ["git", "apply", "-C1", *options, "-"]
    subprocess.run(command, cwd=folder, env=outside, input=diff, text=True, check=True)


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the copy; return what it prints."""
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def check(folder: Path, *command: str) -> str:
    """Run a command in the copy, which must succeed; return what it prints."""
    result = run(folder, *command)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project in which every errand was done, one after the other."""
    folder = copy_project(tmp_path_factory.mktemp("extended"))
    for diff in DIFFS.values():
        apply(diff, folder)
    for example, place in EXAMPLES.items():
        shutil.copy(ROOT / example, folder / place)
    check(folder, sys.executable, "-c", FILL_PAGES)
    return folder


def test_every_diff_is_of_the_page() -> None:
    assert [each.page for each in examples("diff")] == ["docs/extending.md"] * 4


@pytest.mark.parametrize("name", DIFFS)
def test_a_diff_applies_alone(name: str) -> None:
    apply(DIFFS[name], ROOT, "--check")


@pytest.mark.parametrize("name", DIFFS)
def test_a_diff_changes_few_lines_of_the_package(name: str) -> None:
    parts = DIFFS[name].split("diff --git ")[1:]
    changed = [part for part in parts if part.startswith(("a/watchman_cli/", "a/schemas/"))]
    old = "".join(part.split("\n", 3)[-1] for part in changed if "new file" not in part)
    assert 1 <= len([line for line in old.splitlines() if line.startswith("+")]) <= 7


@pytest.mark.parametrize("name", DIFFS)
def test_the_table_before_a_diff_has_its_files(name: str) -> None:
    page = (ROOT / "docs" / "extending.md").read_text()
    before = page.partition(DIFFS[name])[0]
    table = before[before.rindex("| file | change |") :]
    files = {part.split(" ")[0].removeprefix("a/") for part in DIFFS[name].split("diff --git ")[1:]}
    assert [file for file in files if f"| `{file}` |" not in table] == []


@pytest.mark.timeout(900)
@pytest.mark.parametrize("target", ["lint", "test-unit"])
def test_the_project_s_own_checks_pass(extended: Path, target: str) -> None:
    """`-o`: the tools are those of this environment, and are not installed again."""
    check(extended, "make", "-o", ".venv/.dev", target)


def test_the_documentation_has_them(extended: Path) -> None:
    commands = (extended / "docs" / "commands.md").read_text()
    assert "--csv" in commands and "watchman aborted --help" in commands and "or sqlite://" in commands
    tests = ["tests/docs/test_pages.py", "tests/docs/test_help.py"]
    wanted = "stale or generated or links or navigation or documented"
    check(extended, sys.executable, "-m", "pytest", "-q", *tests, "-k", f"({wanted}) and not picture")


def test_the_added_store_keeps_the_contract(extended: Path) -> None:
    tests = ["tests/integration/store", "-k", "sqlite", "-p", "no:cacheprovider"]
    passed = check(extended, sys.executable, "-m", "pytest", "-q", *tests)
    assert " passed" in passed


def test_the_errands_work(
    ecflow: EcflowServer, redis: RedisServer, watchman: Watchman, extended: Path
) -> None:
    load_seven(ecflow)
    watchman.configure(redis.url, [{"owner": "nwp_xp", "repo": "nwpc_op", "address": ecflow}])
    assert watchman.collect().code == 0
    options = ("--config", str(watchman.config))
    table = run(extended, sys.executable, "-m", "watchman_cli", "list", "--csv", *options).stdout
    assert table.splitlines()[0].startswith("server,age,aborted,active,")
    assert table.splitlines()[1].startswith("nwp_xp/nwpc_op,")
    aborted = run(extended, sys.executable, "-m", "watchman_cli", "aborted", "nwpc_op", *options)
    assert (aborted.returncode, aborted.stderr) == (1, "")
    assert aborted.stdout.startswith("/")


def test_a_detail_is_kept_in_full_and_incremental_runs(
    ecflow: EcflowServer, redis: RedisServer, watchman: Watchman, extended: Path
) -> None:
    ecflow.load_text("suite s\ntask t\nendsuite\n")
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", "address": ecflow}])

    def collected() -> Mapping[str, Any]:
        """Collect with the extended package, and return the task's record."""
        check(extended, sys.executable, "-m", "watchman_cli", "collect", "--config", str(watchman.config))
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
