"""The units of systemd: they are right, do what the documentation says, and expose little."""

from __future__ import annotations

import configparser
import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.support.programs import find_program

UNITS = ROOT / "examples" / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))


def read(name: str) -> configparser.SectionProxy:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read(UNITS / name)
    return unit["Service"]


def test_units_belong_together() -> None:
    names = ["watchman-page.service", "watchman-page.timer", "watchman.service", "watchman.timer"]
    assert sorted(file.name for file in UNITS.iterdir()) == names
    assert {read(service.name)["Type"] for service in SERVICES} == {"oneshot"}


def test_systemd_accepts_them() -> None:
    command = [find_program("systemd-analyze"), "verify", *map(str, sorted(UNITS.iterdir()))]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    complaints = [line for line in result.stderr.splitlines() if "watchman" in line]
    assert [line for line in complaints if "not executable" not in line] == []


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_exposure(service: Path) -> None:
    command = [find_program("systemd-analyze"), "security", "--offline=true", "--no-pager"]
    result = subprocess.run(
        [*command, "--threshold=15", service], capture_output=True, text=True, check=False
    )
    (overall,) = re.findall(r"Overall exposure level for .*: (\d+\.\d)", result.stdout)
    assert result.returncode == 0, overall


def test_a_run_may_write_the_documented_metrics_file() -> None:
    writable = {path.removeprefix("-") for path in read("watchman.service")["ReadWritePaths"].split()}
    (file,) = re.findall(r"^metrics_file: (\S+)$", (ROOT / "docs" / "metrics.md").read_text(), re.M)
    assert str(Path(file).parent) in writable
    assert f" {Path(file).parent}\n" in (ROOT / "docs" / "metrics.md").read_text()  # is made there


def test_the_page_is_written_where_the_unit_may() -> None:
    page = read("watchman-page.service")
    output = Path(page["ExecStart"].split()[-1])
    assert output.parent == Path("/var/lib") / page["StateDirectory"]
    assert f"`{output}`" in (ROOT / "docs" / "operating.md").read_text()


def test_files_of_a_unit_can_be_read_by_others() -> None:
    """node_exporter and a web server are other users."""
    assert {read(service.name)["UMask"] for service in SERVICES} == {"0022"}
