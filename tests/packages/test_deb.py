"""The Debian package: what is in it, and what it does in a bare root, from installed to purged."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from tests.packages.machine import Machine, run_in
from tests.support.ecflow_server import EcflowServer

CONFIG = Path("etc/watchman/config.yaml")
STATE = ["/var/lib/watchman", "/var/lib/watchman-page", "/var/log/watchman", "/etc/watchman"]
HELP = re.compile(r"^  ([a-z-]+) ", re.M)


def listed(package: Path) -> list[str]:
    lines = subprocess.check_output(["dpkg-deb", "--contents", package], text=True).splitlines()
    return [line.split()[5].removeprefix(".") for line in lines]


def test_lintian_finds_no_error(package: Path) -> None:
    result = subprocess.run(
        ["lintian", "--fail-on=error", package], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout


def test_everything_is_documented_and_completed(package: Path, root: Path) -> None:
    files = listed(package)
    help_ = run_in(root, "ecflow-watchman", "--help").partition("Commands:")[2]
    commands = HELP.findall(help_)
    assert {"collect", "list", "config"} < set(commands)
    for command in ["", *(f"-{command}" for command in commands), "-config-check"]:
        assert f"/usr/share/man/man1/ecflow-watchman{command}.1.gz" in files
    page = root / "usr/share/man/man1/ecflow-watchman-collect.1.gz"
    text = subprocess.run(["man", "--local-file", page], capture_output=True, text=True, check=False).stdout
    assert "--reset-sync" in text or not shutil.which("man")
    zsh = (root / "usr/share/zsh/vendor-completions/_ecflow-watchman").read_text()
    assert zsh.startswith("#compdef ecflow-watchman\n")
    bash = "source /usr/share/bash-completion/completions/ecflow-watchman && complete -p ecflow-watchman"
    assert "ecflow-watchman" in run_in(root, "bash", "-c", bash)
    assert "/usr/share/fish/vendor_completions.d/ecflow-watchman.fish" in files


def test_nothing_of_the_building_machine_is_inside(package: Path, root: Path) -> None:
    folder = root / "usr/lib/ecflow-watchman"
    assert not list(folder.rglob("direct_url.json"))
    assert not list(folder.rglob("RECORD"))
    assert not [name for name in listed(package) if "__pycache__" in name]
    assert list(folder.rglob("__pycache__")), "each run would compile"


def test_it_is_run_by_systemd_upgraded_and_purged(ecflow: EcflowServer, newer: Path, root: Path) -> None:
    ecflow.load_text("suite s\n  task t\nendsuite\n")
    assert run_in(root, "stat", "-c", "%a %U %G", f"/{CONFIG}").split() == ["640", "root", "watchman"]
    example = (root / CONFIG).read_text()
    assert "port: 3141" in example
    edited = example.replace("3141", str(ecflow.port)).replace("localhost", ecflow.host)
    (root / CONFIG).write_text(f"metrics_file: /var/lib/prometheus/node-exporter/watchman.prom\n{edited}")
    shutil.copy(newer, root / "root" / "newer.deb")
    with Machine(root) as machine:
        assert machine.ask("systemctl", "is-enabled", "watchman.timer").stdout.strip() == "disabled"
        machine.run("install", "-d", "-o", "watchman", "-m", "755", "/var/lib/prometheus/node-exporter")
        machine.run("ecflow-watchman", "config", "check", "--connect", "--config", f"/{CONFIG}")

        machine.run("systemctl", "start", "watchman.service", "watchman-page.service")
        assert "operations/example" in machine.run(
            "setpriv", "--reuid=watchman", "--regid=watchman", "--clear-groups",
            "ecflow-watchman", "list", "--config", f"/{CONFIG}",
        )  # fmt: skip
        assert (root / "var/lib/watchman/operations/example/status.json").is_file()
        assert "operations/example" in (root / "var/lib/watchman-page/ecflow.html").read_text()
        assert (
            "watchman_run_exit_code" in (root / "var/lib/prometheus/node-exporter/watchman.prom").read_text()
        )
        journal = ("journalctl", "--quiet", "--unit=watchman.service", "--priority=err", "--output=cat")
        assert machine.run(*journal) == ""

        ecflow.stop()
        machine.run("systemctl", "start", "watchman.service")
        assert '"kind": "refused"' in machine.run(*journal)

        machine.run("systemctl", "enable", "--now", "watchman.timer")
        machine.run("dpkg", "--install", "/root/newer.deb")
        assert machine.run("dpkg-query", "-W", "-f", "${Version}", "ecflow-watchman").startswith("99.")
        assert str(ecflow.port) in (root / CONFIG).read_text()
        assert machine.run("systemctl", "is-active", "watchman.timer").strip() == "active"
        machine.run("ecflow-watchman", "--version")

        machine.run("dpkg", "--remove", "ecflow-watchman")
        assert machine.ask("systemctl", "is-active", "watchman.timer").stdout.strip() == "inactive"
        assert (root / CONFIG).is_file()
        assert not (root / "usr/lib/ecflow-watchman").exists()
        machine.run("dpkg", "--purge", "ecflow-watchman")
        assert [path for path in STATE if (root / path[1:]).exists()] == []
        assert not list((root / "etc/systemd/system").rglob("watchman*"))
