"""A run over several servers, with a store in memory and servers over real sockets."""

from __future__ import annotations

import threading
import time

import pytest

from tests.unit.collect.ecflow import REFUSED, full_reply
from tests.unit.collect.site import NAME, Site
from watchman_cli import snapshot
from watchman_cli.bindings import BindingsMissing
from watchman_cli.collect import Outcome


def test_a_server_that_another_run_reads_is_skipped(site: Site) -> None:
    lease = site.store.lease(NAME, time.monotonic() + 60)
    assert lease
    with lease:
        assert site.run().result == "skipped"
    assert site.ecflow.requests == 0
    assert site.run().result == "written"


def test_a_dry_run_writes_nothing(site: Site) -> None:
    outcome = site.run(dry=True)
    assert outcome.result == "written"
    assert outcome.snapshot and len(snapshot.decode(outcome.snapshot).records) == 3
    assert site.store.memory.values == {}


def test_failure_says_what_is_kept_if_the_store_was_asked(site: Site) -> None:
    site.ecflow.replies = [REFUSED]
    assert (site.run(dry=True).kept, site.run().kept) == (None, "")
    site.ecflow.replies = [full_reply(), REFUSED]
    site.run()
    assert site.run().kept == site.health().collected_time


def test_servers_with_one_address_are_read_in_turn(site: Site) -> None:
    seen: list[str] = []
    outcomes = site.collector("a", "b", "c").run(lambda outcome: seen.append(outcome.server.repo))
    assert [outcome.result for outcome in outcomes] == ["written"] * 3
    assert seen == ["a", "b", "c"]


def test_the_failure_of_one_server_is_its_own(site: Site) -> None:
    site.ecflow.replies = [full_reply(), REFUSED, full_reply()]
    outcomes = site.collector("a", "b", "c").run(lambda outcome: None)
    assert [outcome.result for outcome in outcomes] == ["written", "failed", "written"]


def test_a_run_that_is_stopped_releases_its_lease(site: Site) -> None:
    collector = site.collector()
    site.ecflow.held.clear()
    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.extend(collector.run(lambda outcome: None)))
    thread.start()
    assert site.ecflow.asked.wait(30)
    assert NAME in site.store.memory.locks
    collector.stop(30)
    assert collector.interrupted
    assert site.store.memory.locks == {}
    site.ecflow.held.set()
    thread.join(30)
    assert [outcome.result for outcome in outcomes] == ["interrupted"]


@pytest.mark.parametrize("is_asked_before", [True, False])
def test_a_run_that_is_stopped_asks_no_bindings_any_more(site: Site, is_asked_before: bool) -> None:
    site.interpreter = "/nowhere/python3"
    collector = site.collector()
    context = collector._context
    referee = context.referee() if is_asked_before else None
    collector.stop(30)
    assert context.referee().stopped
    assert referee is None or context.referee() is referee


def test_referee_looks_for_the_bindings_in_the_configured_interpreter(site: Site) -> None:
    site.interpreter = "/nowhere/python3"
    with pytest.raises(BindingsMissing, match=r"^no Python with the ecflow bindings \(/nowhere/python3: "):
        site.collector()._context.referee().find(time.monotonic() + 30)
