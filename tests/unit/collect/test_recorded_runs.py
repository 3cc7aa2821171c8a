"""A run writes byte for byte what it wrote before its decisions were moved into one module."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

import pytest

from tests.unit.collect.scenarios import NOW, SCENARIOS, SECONDS, SHARE, Scenario
from watchman_cli import health, snapshot
from watchman_cli.bindings import Bindings, BindingsReading
from watchman_cli.collect.result import Attempts, Commit, Stored
from watchman_cli.collect.update import (
    after_failure,
    after_reading,
    after_report,
    after_verification,
)
from watchman_cli.snapshot import parse_head
from watchman_cli.store import Update
from watchman_cli.sync import cache

RECORDED = json.loads((Path(__file__).parents[1] / "data" / "runs.json").read_text())


class Run:
    """A run over one server, whose store is a few values."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.health = health.salvage(scenario.health)
        self.snapshot = scenario.snapshot
        self.commits: list[tuple[Update, bool]] = []
        disabled = None if scenario.reset_sync else self.health.disabled
        self.attempts = Attempts(NOW, SECONDS, 2, 3, scenario.connected, disabled, SHARE)

    def stored(self) -> Stored:
        return Stored(self.health, parse_head(self.snapshot[: snapshot.HEAD_SIZE]), lambda: self.snapshot)

    def commit(self, decision: Commit, *, end: bool) -> None:
        self.commits.append((decision.update, end and not decision.lines))
        self.health = decision.health
        self.snapshot = decision.update.snapshot or self.snapshot
        if decision.lines:
            self.commit(after_report(self.scenario.server, self.health, lines=True, failure=False), end=end)

    def run(self) -> list[tuple[Update, bool]]:
        scenario = self.scenario
        if scenario.error is not None:
            decision = after_failure(scenario.server, self.stored(), scenario.error, self.attempts)
            self.commit(decision, end=True)
            return self.commits
        assert scenario.reading
        count = scenario.count_nodes
        decision = after_reading(scenario.server, self.stored(), scenario.reading, self.attempts, count=count)
        self.commit(decision, end=not decision.verify)
        if scenario.verification:
            assert decision.verify
            theirs = None
            if scenario.theirs is not None:
                bindings = Bindings("python3", "5.9.9", "3.11")
                theirs = BindingsReading(bindings, "5.9.2", "RUNNING", (40, 5), list(scenario.theirs))
            decision = after_verification(
                scenario.server, self.stored(), scenario.verification, theirs, NOW, count=count
            )
            self.commit(decision, end=True)
        return self.commits


def as_recorded(update: Update, end: bool) -> dict[str, Any]:
    return {
        "end": end,
        "health": update.health.decode(),
        "snapshot": update.snapshot.decode() if update.snapshot else None,
        "new_time": update.new_time,
        "sync": None if update.sync is None else update.sync.decode(),
        "expire": update.expire,
        "changes": update.changes.encode().decode() if update.changes else None,
        "publish_snapshot": update.publish_snapshot,
    }


def normalized(commit: dict[str, Any]) -> dict[str, Any]:
    """Return a commit with the flags' counts in one order: it is a set's, which changes with each process."""
    document = json.loads(commit["health"])
    if document["counts"]:
        document["counts"] = dict(sorted(document["counts"].items()))
    return {**commit, "health": json.dumps(document)}


def test_each_scenario_is_recorded() -> None:
    assert set(RECORDED) == set(SCENARIOS)


@pytest.mark.parametrize("name", SCENARIOS)
def test_written_values_are_as_recorded(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda size: "00" * size)
    monkeypatch.setattr(cache, "DETAILS_KEPT", ["flags"])  # those of then: a detail may be added
    commits = Run(SCENARIOS[name]).run()
    written = [normalized(as_recorded(update, end)) for update, end in commits]
    assert written == [normalized(each) for each in RECORDED[name]]


@pytest.mark.parametrize("name", SCENARIOS)
def test_written_health_is_read_back_and_written_again_the_same(name: str) -> None:
    for commit in RECORDED[name]:
        value = commit["health"].encode()
        assert health.encode(health.decode(value)) == value
