"""The client of ecFlow's protocol as a package of its own: its wheel reads a real server."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.ecflow_server import EcflowServer
from watchman_cli import ecflow_client
from watchman_cli.ecflow_client import Access, Changes, Client, Definition, EcflowError

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "ecflow-protocol"
version = "1"
dependencies = ["orjson"]
[tool.hatch.build.targets.wheel]
packages = ["ecflow_protocol"]
"""
EXAMPLE = Path(__file__).parents[3] / "examples" / "ecflow_states.py"
TREE = "suite s\n family f\n  task t\n endfamily\nendsuite\nsuite other\n task t\nendsuite\n"
NODES = ["/s", "/s/f", "/s/f/t", "/other", "/other/t"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a wheel of the package is installed, and nothing else of this project."""
    home = tmp_path_factory.mktemp("ecflow-protocol")
    shutil.copytree(
        Path(ecflow_client.__file__).parent,
        home / "source" / "ecflow_protocol",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    (home / "source" / "pyproject.toml").write_text(PYPROJECT)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    wheels = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(home), str(home / "source")]
    subprocess.run([*pip, *wheels], check=True, timeout=200)
    (wheel,) = home.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", str(home / "site"), str(wheel)], check=True)
    return home / "site"


def test_wheel_of_the_folder_alone_reads_a_server(site: Path, ecflow: EcflowServer, tmp_path: Path) -> None:
    ecflow.load_text(TREE)
    example = tmp_path / "states.py"
    text = EXAMPLE.read_text().replace("watchman_cli.ecflow_client", "ecflow_protocol")
    example.write_text(text + "assert not [name for name in sys.modules if name.startswith('watchman')]\n")
    command = [sys.executable, "-P" if sys.version_info >= (3, 11) else "-s", str(example)]
    shown = subprocess.run(
        [*command, ecflow.host, str(ecflow.port)],
        env={"PYTHONPATH": str(site)}, cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (shown.returncode, shown.stderr) == (0, "")
    assert [line.split() for line in shown.stdout.splitlines()] == [[path, "unknown"] for path in NODES]


def test_example_names_the_failure(site: Path, tmp_path: Path) -> None:
    shown = subprocess.run(
        [sys.executable, str(EXAMPLE), "127.0.0.1", "1"], capture_output=True, text=True, timeout=60
    )
    assert (shown.returncode, shown.stderr) == (1, "refused: connection refused\n")


def test_client_reads_a_server_and_a_handle_its_suites(ecflow: EcflowServer) -> None:
    ecflow.load_text(TREE)
    client = Client(Access(ecflow.host, ecflow.port), timeout=10)
    instance = client.stats().instance
    assert instance and instance.port == str(ecflow.port)
    definition = client.full_sync()
    assert [node.path for node in definition] == NODES
    assert definition[1] == ("/s/f", definition.states[1]) and len(definition) == 5
    assert definition[3:] == list(definition)[3:]
    with client.handle("s") as handle:
        suites = handle.full_sync()
        assert [node.path for node in suites] == NODES[:3]
        ecflow.force_state("/s/f/t", "State.complete")
        changes = handle.sync(suites.state_change_no, suites.modify_change_no)
        assert isinstance(changes, Changes) and {node.path for node in changes.nodes} >= {"/s/f/t"}
    with pytest.raises(EcflowError, match="not registered"):
        client.sync(0, 0, handle.number)
    ecflow.load_text("suite new\nendsuite\n")
    assert isinstance(client.sync(definition.state_change_no, definition.modify_change_no), Definition)
