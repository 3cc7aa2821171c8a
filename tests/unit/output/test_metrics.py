"""A run's metrics merged with those in the file: the later reading stays, and no series is lost."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path

import pytest

from watchman_cli.cli.metrics import config_label
from watchman_cli.collect import Outcome
from watchman_cli.config import Server
from watchman_cli.config.load import make_server
from watchman_cli.health import Health
from watchman_cli.output.metrics import CONFIGURED, RUN_BEGAN, SILENCED_CAUSES, Run, Series, Silenced, merge

NOW = 1_800_000_000.0  # seconds since 1970
CODE, FAILURES = "watchman_run_exit_code", "watchman_server_failures"


def server(repo: str) -> Server:
    return make_server({"owner": "o", "repo": repo, "host": "h", "port": 1})


def outcome(repo: str, time: float, failures: int = 0) -> Outcome:
    checked = datetime.fromtimestamp(time, timezone.utc).isoformat()
    return Outcome(server(repo), "written", health=Health(checked, not failures, failures))


def run(
    *outcomes: Outcome, config: str = "/c", repos: str = "ab", began: float = NOW - 9, code: int = 0
) -> Run:
    return Run(config, [server(repo) for repo in repos], outcomes, began, 1.0, code)


def failures(series: Series) -> dict[str, float]:
    """Return what each server's series say, by configuration and repo."""
    return {f"{config}{repo}": value for (config, _, repo), value in series[FAILURES].items()}


def test_an_older_reading_that_ends_later() -> None:
    newer = merge(run(outcome("a", NOW - 5, 2)), {}, NOW)
    older = run(outcome("a", NOW - 6, 1), outcome("b", NOW - 1, 7), began=NOW - 20, code=1)
    merged = merge(older, newer, NOW)
    assert failures(merged) == {"/ca": 2, "/cb": 7}
    assert merged[CODE] == {("/c",): 0} and merged[RUN_BEGAN] == {("/c",): NOW - 9}


def test_a_run_of_some_servers_is_a_run_and_keeps_the_others() -> None:
    whole = merge(run(outcome("a", NOW - 60, 1), outcome("b", NOW - 60, 2), began=NOW - 61, code=1), {}, NOW)
    merged = merge(run(outcome("b", NOW)), whole, NOW)
    assert failures(merged) == {"/ca": 1, "/cb": 0}
    assert merged[RUN_BEGAN] == {("/c",): NOW - 9} and merged[CODE] == {("/c",): 0}


def test_other_configurations_stay() -> None:
    other = merge(run(outcome("a", NOW - 60, 3), config="/other", code=3), {}, NOW)
    merged = merge(run(outcome("a", NOW - 5, 1)), other, NOW)
    assert failures(merged) == {"/othera": 3, "/ca": 1}
    assert merged[CODE] == {("/other",): 3, ("/c",): 0}
    assert set(merged[CONFIGURED]) == {(config, "o", repo) for config in ("/other", "/c") for repo in "ab"}


def test_a_run_that_failed_early_erases_nothing() -> None:
    whole = merge(run(outcome("a", NOW - 60, 1), outcome("b", NOW - 60)), {}, NOW)
    merged = merge(run(began=NOW, code=3), whole, NOW)
    assert failures(merged) == failures(whole)
    assert merged[CODE] == {("/c",): 3}


def test_a_removed_server_loses_its_series_but_not_to_an_older_run() -> None:
    whole = merge(run(outcome("a", NOW - 5), outcome("b", NOW - 5)), {}, NOW)
    assert failures(merge(run(repos="a", began=NOW - 1), whole, NOW)) == {"/ca": 0}
    older = merge(run(outcome("a", NOW - 1), repos="a", began=NOW - 20), whole, NOW)
    assert set(failures(older)) == {"/ca", "/cb"}
    assert older[CONFIGURED] == whole[CONFIGURED]


def test_a_time_of_a_clock_that_was_ahead_is_not_believed() -> None:
    ahead = merge(run(outcome("a", NOW + 1e6, 1), began=NOW + 1e6, code=1), {}, NOW + 1e6)
    merged = merge(run(outcome("a", NOW - 1)), ahead, NOW)
    assert failures(merged) == {"/ca": 0} and merged[CODE] == {("/c",): 0}


def test_label_is_the_same_for_any_path_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "real" / "c.yaml"
    file.parent.mkdir()
    file.write_text("")
    (tmp_path / "link").symlink_to(file.parent)
    monkeypatch.chdir(tmp_path)
    names = (str(file), "link/c.yaml", "real/../link/./c.yaml")
    assert {config_label(Path(name)) for name in names} == {str(file.resolve())}


def test_the_label_of_a_pipe_and_of_a_name_in_latin_1(tmp_path: Path) -> None:
    assert config_label(Path("/dev/null")) == "/dev/null"
    file = os.fsencode(tmp_path) + b"/caf\xe9.yaml"
    Path(os.fsdecode(file)).touch()
    assert config_label(Path(os.fsdecode(file))).endswith("/caf\\xe9.yaml")


def test_what_is_silenced_is_known_of_each_server_or_absent() -> None:
    outcomes = [outcome("a", 100), outcome("b", 100)]
    run = Run("c", [server("a"), server("b")], outcomes, 90, 1.0, 0, {"o/a": Silenced({"aborted": 2}, ())})
    series = merge(run, {}, NOW)["watchman_server_silenced"]
    assert series == {("c", "o", "a", cause): 2 if cause == "aborted" else 0 for cause in SILENCED_CAUSES}
