"""The shipped logrotate file, by a real logrotate: runs go on to append."""

from __future__ import annotations

from pathlib import Path

from tests.packages.machine import run_in

LOG = "/var/log/watchman/watchman.log"
AS_WATCHMAN = ("setpriv", "--reuid=watchman", "--regid=watchman", "--clear-groups", "sh", "-c")
RUN = f"ecflow-watchman collect -v --config /etc/watchman/config.yaml 2>>{LOG}; true"


def test_log_is_rotated_and_appended_to(equipped: Path) -> None:
    log = equipped / LOG[1:]
    run_in(equipped, "install", "-d", "-o", "watchman", "/var/lib/watchman")  # as systemd makes it
    sizes = []
    for _ in range(3):
        run_in(equipped, *AS_WATCHMAN, RUN)
        assert "operations/example" in log.read_text()
        sizes.append(log.stat().st_size)
        run_in(equipped, "logrotate", "--force", "/etc/logrotate.d/ecflow-watchman")
        assert log.read_text() == ""
        owner = run_in(equipped, "stat", "-c", "%a %U %G", LOG).split()
        assert owner == ["640", "watchman", "adm"]
    assert (equipped / f"{LOG[1:]}.1").stat().st_size == sizes[-1]
    rotated = sorted(file.name for file in log.parent.iterdir())
    assert rotated == ["watchman.log", "watchman.log.1", "watchman.log.2.gz", "watchman.log.3.gz"]
