"""The example's alert rules in a real Prometheus, with a real node_exporter and Alertmanager."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.ecflow_server import EcflowServer
from tests.support.loopback import await_true
from tests.support.monitoring import ROOT, Monitoring
from tests.support.redis_server import RedisServer
from tests.support.watchman import Watchman


@contextmanager
def running(watchman: Watchman) -> Iterator[None]:
    """Make one run after the other, as cron does each minute."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(0.5):
            watchman.collect()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.mark.slow
def test_no_alert_ends_because_metrics_vanish(
    ecflow: EcflowServer, redis: RedisServer, tmp_path: Path
) -> None:
    watchman = Watchman(tmp_path)  # whole processes, as cron starts them
    textfiles = tmp_path / "textfiles"
    textfiles.mkdir()
    file = textfiles / "watchman.prom"
    servers = [{"owner": "o", "repo": repo, "address": ecflow} for repo in ("first", "second")]
    watchman.configure(redis.url, servers, metrics_file=str(file))
    ecflow.load_text("suite s\n  task t\nendsuite\n")
    ecflow.begin_all_suites()
    ecflow.force_state("/s/t", "State.aborted")
    rules = (ROOT / "examples" / "prometheus-rules.yaml").read_text()
    (home := tmp_path / "monitoring").mkdir()
    with Monitoring(home, textfiles, rules) as monitoring:
        file.write_text("damaged{")
        monitoring.await_message("firing", "WatchmanMetricsUnreadable")
        monitoring.await_message("firing", "WatchmanMetricsMissing")

        with running(watchman):
            monitoring.await_message("firing", "EcflowNodesAborted")
            monitoring.await_message("resolved", "WatchmanMetricsUnreadable")
            monitoring.await_message("resolved", "WatchmanMetricsMissing")

        monitoring.messages.clear()
        file.unlink()
        # It comes long after the first evaluation without metrics, which is when alerts could end.
        message = monitoring.await_message("firing", "WatchmanDoesNotRun")
        assert message.labels["config"] == str(watchman.config.resolve())
        unread = await_true(lambda: monitoring.alerts("EcflowServerNotRead"), "it does not say: not read", 90)
        await_true(
            lambda: all(each["status"]["inhibitedBy"] for each in monitoring.alerts("EcflowServerNotRead")),
            f"not inhibited: {unread}",
        )
        assert len(monitoring.alerts("EcflowNodesAborted")) == 2
        assert {message.name for message in monitoring.messages if message.status == "resolved"} == set()
        assert "EcflowServerNotRead" not in {message.name for message in monitoring.messages}

        ecflow.force_state("/s/t", "State.complete")
        with running(watchman):
            monitoring.await_message("resolved", "WatchmanDoesNotRun")
            monitoring.await_message("resolved", "EcflowNodesAborted")
