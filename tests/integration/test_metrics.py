"""The metrics file: whole after each run, true of what the run read, and as it was for the rest."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.docs.promtool import run_promtool
from tests.support.ecflow_server import EcflowServer
from tests.support.faulty_server import FakeServer
from tests.support.redis_server import RedisServer
from tests.support.watchman import UNPRIVILEGED, Result, Watchman
from watchman_cli.output.metrics import METRICS, labels_of

Sample = tuple[str, tuple[tuple[str, str], ...]]
DEFINITION = """\
suite s
  family f
    task a
    task b
      late -s +00:01
  endfamily
endsuite
suite t
  task x
endsuite
"""


class Metered:
    """A server that is read, one that does not exist, and the metrics of both."""

    def __init__(self, ecflow: EcflowServer, redis: RedisServer, watchman: Watchman) -> None:
        self.ecflow, self.redis, self.watchman = ecflow, redis, watchman
        self.file = watchman.home / "watchman.prom"
        good = {"owner": "o", "repo": "good", "address": ecflow}
        bad = {"owner": "o", "repo": "bad", "host": "127.0.0.1", "port": 1, "attempts": 1}
        self.configure(good, bad)
        ecflow.load_text(DEFINITION)
        ecflow.begin_all_suites()
        ecflow.await_next_second()

    def configure(self, *entries: dict[str, Any]) -> None:
        self.watchman.configure(self.redis.url, list(entries), metrics_file=str(self.file))

    def collect(self, *arguments: str) -> Result:
        return self.watchman.collect(*arguments)

    @property
    def text(self) -> str:
        return self.file.read_text() if self.file.exists() else ""

    def samples(self) -> dict[Sample, float]:
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(self.text)
            for sample in family.samples
        }

    def of(self, name: str, repo: str = "good", **labels: str) -> float | None:
        """Return a metric of a server, or None."""
        return self.of_run(name, **{"owner": "o", "repo": repo, **labels})

    def of_run(self, name: str, **labels: str) -> float | None:
        labels = {"config": str(self.watchman.config.resolve()), **labels}
        return self.samples().get((name, tuple(sorted(labels.items()))))


@pytest.fixture
def metered(ecflow: EcflowServer, redis: RedisServer, watchman: Watchman) -> Metered:
    return Metered(ecflow, redis, watchman)


def test_what_a_run_read(metered: Metered) -> None:
    before = time.time()
    assert metered.collect().code == 1
    run_promtool("check", "metrics", stdin=metered.file.read_text())
    assert metered.of("watchman_server_up") == 1 and metered.of("watchman_server_up", "bad") == 0
    assert metered.of("watchman_server_error", "bad", kind="refused") == 1
    assert metered.of("watchman_server_failures", "bad") == 1
    assert metered.of("watchman_server_last_success_timestamp_seconds", "bad") is None
    for name in ("last_success", "last_attempt"):
        assert before <= (metered.of(f"watchman_server_{name}_timestamp_seconds") or 0) <= time.time()
    assert metered.of("watchman_server_mode", mode="full") == 1
    assert metered.of("watchman_server_requests") == 1
    assert (metered.of("watchman_server_received_bytes") or 0) > 1000
    assert metered.of("watchman_ecflow_suites") == 2
    assert before - 60 < (metered.of("watchman_ecflow_up_since_timestamp_seconds") or 0) <= time.time()
    assert metered.of("watchman_ecflow_state", state=metered.ecflow.snapshot()["server_state"]) == 1
    assert all((metered.of("watchman_server_duration_seconds", phase=p) or 0) > 0 for p in ("read", "write"))
    assert metered.of_run("watchman_run_exit_code") == 1
    assert metered.of_run("watchman_run_servers", result="written") == 1
    assert metered.of_run("watchman_run_servers", result="failed") == 1
    for name, labels in metered.samples():
        assert sorted(labels_of(name)) == [label for label, _ in labels]
    assert metered.file.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_nodes_are_counted_in_every_mode(metered: Metered) -> None:
    def check(mode: str) -> None:
        assert metered.collect("--server", "good").code == 0
        assert metered.of("watchman_server_mode", mode=mode) == 1
        records = metered.ecflow.snapshot()["records"][1:]
        for status, number in Counter(status for _, status in records).items():
            assert metered.of("watchman_server_nodes", status=status) == number
        total = sum(
            value for (name, _), value in metered.samples().items() if name == "watchman_server_nodes"
        )
        assert total == len(records)
        checked = metered.watchman.run("check", "good").text
        causes = re.search(r" aborted=(\d+)", checked)
        assert causes and metered.of("watchman_server_root_causes") == int(causes[1]), checked

    metered.ecflow.await_next_second()
    check("full")
    check("unchanged")
    metered.ecflow.force_state("/s/f/a", "State.aborted")
    check("incremental")
    assert metered.of("watchman_server_nodes", status="aborted") == 3
    assert metered.of("watchman_server_root_causes") == 1
    metered.ecflow.force_state("/s/f/b", "State.aborted")
    check("incremental")
    assert metered.of("watchman_server_root_causes") == 2
    metered.ecflow.force_state("/s/f/b", "State.complete")
    check("incremental")
    metered.ecflow.suspend("/t")
    metered.ecflow.force_state("/s/f/a", "State.complete")
    check("incremental")
    metered.ecflow.load_text("suite u\n  task new\nendsuite\n")
    check("full")
    assert metered.of("watchman_ecflow_suites") == 3
    metered.watchman.collect("--reset-sync", "good")
    check("unchanged")


def test_counts_that_an_older_run_did_not_leave(metered: Metered) -> None:
    metered.watchman.configure(metered.redis.url, [{"owner": "o", "repo": "good", "address": metered.ecflow}])
    metered.collect()
    metered.configure({"owner": "o", "repo": "good", "address": metered.ecflow})
    metered.collect()
    assert metered.of("watchman_server_mode", mode="unchanged") == 1
    assert metered.of("watchman_server_nodes", status="queued") == 6
    assert metered.of("watchman_server_root_causes") == 0


def test_flags_are_counted(metered: Metered) -> None:
    metered.collect()
    client = ["ecflow_client", "--host=127.0.0.1", f"--port={metered.ecflow.port}"]
    subprocess.run([*client, "--alter=set_flag", "late", "/s/f/b"], check=True, capture_output=True)
    metered.collect()
    assert metered.of("watchman_server_flagged_nodes", flag="late") == 1
    assert metered.of("watchman_server_flagged_nodes", flag="zombie") == 0


def test_a_run_of_some_servers_changes_no_others(metered: Metered) -> None:
    metered.collect()
    before = metered.samples()
    metered.collect("--server", "bad")
    after = metered.samples()
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    of_servers = {key for key in changed if not key[0].startswith("watchman_run_")}
    assert of_servers and all(("repo", "bad") in labels for _, labels in of_servers)
    assert metered.of("watchman_server_failures", "bad") == 2
    name = "watchman_run_timestamp_seconds", (("config", str(metered.watchman.config.resolve())),)
    assert after[name] > before[name]
    assert metered.of_run("watchman_run_servers", result="written") == 0


def test_a_server_that_is_configured_no_more_has_no_metrics(metered: Metered) -> None:
    metered.collect()
    metered.configure({"owner": "o", "repo": "good", "address": metered.ecflow})
    metered.collect()
    assert metered.of("watchman_server_up", "bad") is None


def test_a_dead_store_leaves_what_is_known_and_says_so(metered: Metered) -> None:
    metered.collect()
    before = metered.samples()
    metered.redis.stop()
    assert metered.collect().code == 3
    after = metered.samples()
    assert metered.of_run("watchman_run_exit_code") == 3
    assert {key: value for key, value in before.items() if not key[0].startswith("watchman_run_")} == {
        key: value for key, value in after.items() if not key[0].startswith("watchman_run_")
    }


@pytest.mark.parametrize(
    "left", ["no metrics\x00", 'watchman_server_up{owner="o"} x\n', "# HELP x\nother 1\n"]
)
def test_what_was_there_is_no_metrics_file(metered: Metered, left: str) -> None:
    metered.file.write_text(left)
    assert metered.collect("--server", "good").code == 0
    assert metered.of("watchman_server_up") == 1
    assert {name for name, _ in metered.samples()} <= set(METRICS)


def test_an_older_run_that_ends_later_leaves_the_newer_reading(metered: Metered) -> None:
    with FakeServer(lambda connection: None) as hanging:
        good = {"owner": "o", "repo": "good", "address": metered.ecflow}
        hangs = {"owner": "o", "repo": "hangs", "host": hanging.host, "port": hanging.port, "deadline": 90}
        metered.configure(good, {**hangs, "attempts": 1})
        with metered.watchman.start("collect") as older:
            assert hanging.accepted.acquire(timeout=30)
            while not metered.redis.client.exists("o/good/status"):  # the older run's reading
                assert older.poll() is None
                time.sleep(0.01)
            metered.ecflow.force_state("/s/f/a", "State.aborted")
            while metered.of("watchman_server_nodes", status="aborted") != 3:
                assert metered.collect("--server", "good").code == 0 and older.poll() is None
            for connection in hanging.connections:
                connection.reset()
            assert older.wait(60) == 1
    assert metered.of("watchman_server_nodes", status="aborted") == 3
    assert metered.of("watchman_server_up", "hangs") == 0
    assert metered.of_run("watchman_run_servers", result="written") == 1


def test_runs_of_one_server_each_side_by_side(metered: Metered) -> None:
    names = [f"s{number}" for number in range(8)]
    dead = {"owner": "o", "host": "127.0.0.1", "attempts": 1}
    metered.configure(*({**dead, "repo": name, "port": 1 + at} for at, name in enumerate(names)))
    runs = [metered.watchman.start("collect", "--server", name) for name in names]
    for run in runs:
        with run:
            assert run.wait(60) == 1
    assert [metered.of("watchman_server_up", name) for name in names] == [0] * len(names)


def test_two_configurations_share_a_file(metered: Metered, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    second = Metered.__new__(Metered)
    second.watchman, second.redis, second.file = Watchman(tmp_path / "second"), metered.redis, metered.file
    second.configure({"owner": "o", "repo": "good", "address": metered.ecflow})
    metered.collect()
    before = metered.samples()
    assert second.collect().code == 0
    assert second.of("watchman_server_up") == 1 and second.of_run("watchman_run_exit_code") == 0
    assert metered.samples().items() >= before.items()
    metered.redis.stop()
    assert second.collect().code == 3
    assert metered.samples().items() >= before.items()
    run_promtool("check", "metrics", stdin=metered.file.read_text())


def test_a_lock_that_is_not_released_costs_the_metrics_of_the_run(metered: Metered) -> None:
    metered.collect()
    before = metered.file.read_bytes()
    holder = os.open(metered.file.parent, os.O_RDONLY)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX)
        result = metered.collect("--server", "good")
    finally:
        os.close(holder)
    assert result.code == 0 and metered.file.read_bytes() == before
    assert f"another process holds the lock of {metered.file.parent}" in result.err
    assert metered.collect("--server", "good").err == ""


def test_a_file_that_cannot_be_read_may_be_another_configuration_s(metered: Metered) -> None:
    metered.collect()
    before = metered.file.read_bytes()
    metered.file.chmod(0)
    unprivileged = Watchman(metered.watchman.home, prefix=UNPRIVILEGED)
    result = unprivileged.collect("--server", "good")
    assert f"metrics_file: {metered.file}: Permission denied" in result.err
    metered.file.chmod(0o600)
    assert metered.file.read_bytes() == before


def test_a_file_that_cannot_be_written_is_a_warning(metered: Metered) -> None:
    metered.file = metered.watchman.home / "missing" / "watchman.prom"
    metered.configure({"owner": "o", "repo": "good", "address": metered.ecflow})
    result = metered.collect()
    assert result.code == 0
    assert f"metrics_file: {metered.file}: No such file or directory" in result.err


def test_a_link_is_replaced_and_not_followed(metered: Metered, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    metered.file.symlink_to(target)
    metered.collect()
    assert target.read_text() == "precious" and not metered.file.is_symlink()


def test_a_file_that_others_may_have_written_is_not_believed(metered: Metered) -> None:
    """It is written so that only its owner writes it, whatever the umask."""
    metered.watchman.collect(umask=0)
    assert metered.file.stat().st_mode & 0o777 == 0o644
    for mode, kept in ((0o644, 1), (0o666, None)):
        metered.file.chmod(mode)
        metered.watchman.collect("--server", "bad", umask=0)
        assert metered.of("watchman_server_up") == kept
        assert metered.of("watchman_server_up", "bad") == 0
        assert metered.file.stat().st_mode & 0o777 == 0o644


def test_an_interrupted_run_leaves_the_old_file(metered: Metered) -> None:
    metered.collect()
    before = metered.file.read_bytes()
    with FakeServer(lambda connection: None) as hanging:
        metered.configure({"owner": "o", "repo": "good", "host": hanging.host, "port": hanging.port})
        with metered.watchman.start("collect") as process:
            assert hanging.accepted.acquire(timeout=30)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 128 + signal.SIGTERM
    assert metered.file.read_bytes() == before
    assert {
        path.name for path in metered.file.parent.iterdir() if path.name.startswith(".watchman.")
    } == set()


def test_no_metrics_in_a_dry_run(metered: Metered) -> None:
    metered.collect("--dry-run")
    assert not metered.file.exists()


def test_skipped_servers_keep_their_metrics(
    ecflow_server: Callable[..., EcflowServer], metered: Metered
) -> None:
    metered.collect()
    before = metered.samples()
    from watchman_cli.store.redis.keys import key

    metered.redis.client.set(key("o/good", "lock"), "another host 1 1 x", px=60_000)
    metered.collect()
    after = metered.samples()
    assert metered.of_run("watchman_run_servers", result="skipped") == 1
    of_good = {key for key in before if ("repo", "good") in key[1]}
    assert of_good and all(before[key] == after[key] for key in of_good)
