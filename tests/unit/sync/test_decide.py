"""How an answer is used: only with the proof that the server and the handle are those of the cache."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.sync.test_cache import CACHE
from watchman_cli.ecflow_client import (
    Answer,
    Changes,
    Definition,
    FullReadingRequired,
    Handle,
    Mementos,
    NodeChange,
    NodeState,
    Statistics,
)
from watchman_cli.sync.decide import (
    PLUGGED,
    REPLACED,
    SAME_PATHS,
    Use,
    can_use_handle,
    changed_paths,
    use_answer,
    was_plugged,
    why_not_cached,
)
from watchman_cli.sync.handles import DROPPED, OTHER_SUITES
from watchman_cli.sync.instance import RESTARTED
from watchman_cli.sync.reading import Scope

SUITES = ("s", "t")
MARKER = "watchman_0123456789abcdef"
KEPT = CACHE._replace(handle=5, marker=MARKER)
SAME = Statistics(CACHE.instance, (), "RUNNING", CACHE.stats_count + 1, CACHE.group_count + 1, {})
RESET = f"{RESTARTED}, or its statistics were reset"
LATER = CACHE.instance._replace(up_since="2026-Nov-26 00:00:00")
RESTARTS = {
    "another start": (SAME._replace(instance=LATER), RESTARTED),
    "another host": (SAME._replace(instance=CACHE.instance._replace(host="h2")), RESTARTED),
    "as many stats": (SAME._replace(stats_count=CACHE.stats_count), RESET),
    "fewer stats": (SAME._replace(stats_count=CACHE.stats_count - 1), RESET),
    "as many groups": (SAME._replace(group_count=CACHE.group_count), RESET),
    "fewer groups": (SAME._replace(group_count=CACHE.group_count - 1), RESET),
}  # fmt: skip
CHANGES = Changes(6, CACHE.modify_change_no, (NodeChange("/s/t", "complete", 0),))
DEFINITION = Definition(
    "5.9.2", "queued", "RUNNING", (), 6, 2, ["/s"], [NodeState("queued")], {}, False, False, False
)
HANDLES = (Handle(5, "fred", (MARKER, *SUITES)),)
ANSWER = Answer(statistics=SAME, changes=CHANGES, handles=HANDLES)


@pytest.mark.parametrize(("cache", "suites"), [(CACHE, ()), (KEPT, SUITES)])
def test_changes_are_merged(cache: object, suites: tuple[str, ...]) -> None:
    assert isinstance(cache, type(CACHE))
    assert use_answer(ANSWER, cache, suites) == Use("merge", None, is_proved=True)


@pytest.mark.parametrize("name", RESTARTS)
def test_changes_of_another_start_are_not_merged(name: str) -> None:
    statistics, reason = RESTARTS[name]
    answer = ANSWER._replace(statistics=statistics)
    for cache, suites in ((CACHE, ()), (KEPT, SUITES)):
        assert use_answer(answer, cache, suites) == Use("read in full", reason, is_proved=False)
        assert changed_paths(answer, cache, suites) is None


def test_statistics_that_show_no_start_prove_nothing() -> None:
    for statistics, missing in (
        (None, "all of it"),
        (Statistics(None, ("host", "port"), "", 9, 9, {}), "host, port"),
    ):
        use = use_answer(ANSWER._replace(statistics=statistics), CACHE, ())
        assert (use.way, use.is_proved) == ("read in full", False)
        assert use.reason and use.reason.endswith(f"(not understood: {missing})")


@pytest.mark.parametrize(
    ("handles", "reason"),
    [(None, DROPPED), ((), DROPPED), ((Handle(5, "fred", (MARKER, "s")),), OTHER_SUITES)],
)
@pytest.mark.parametrize("definition", [None, DEFINITION])
def test_handle_that_is_not_ours_is_replaced(
    handles: tuple[Handle, ...] | None, reason: str, definition: Definition | None
) -> None:
    """The definition that a handle of another client brings has other suites."""
    answer = ANSWER._replace(handles=handles, definition=definition)
    assert use_answer(answer, KEPT, SUITES) == Use("read with new handle", reason, is_proved=False)
    restarted = answer._replace(statistics=RESTARTS["another start"][0])
    assert use_answer(restarted, KEPT, SUITES) == Use("read with new handle", RESTARTED, is_proved=False)
    assert changed_paths(answer, KEPT, SUITES) is None


def test_definition_in_place_of_changes_is_taken() -> None:
    answer = ANSWER._replace(definition=DEFINITION, changes=None)
    assert use_answer(answer, CACHE, ()) == Use("take definition", REPLACED, is_proved=True)
    assert use_answer(answer, KEPT, SUITES) == Use("take definition", REPLACED, is_proved=True)


def test_definition_of_another_start_is_taken_if_it_has_all_suites() -> None:
    answer = ANSWER._replace(definition=DEFINITION, changes=None, statistics=RESTARTS["another start"][0])
    assert use_answer(answer, CACHE, ()) == Use("take definition", RESTARTED, is_proved=False)
    assert use_answer(answer, KEPT, SUITES) == Use("read in full", RESTARTED, is_proved=False)
    unknown = use_answer(answer._replace(statistics=None), CACHE, ())
    assert unknown.way == "read in full"


def test_plug_requires_a_full_reading_of_some_suites() -> None:
    answer = ANSWER._replace(statistics=SAME._replace(plug_count=CACHE.plug_count + 1))
    assert use_answer(answer, KEPT, SUITES) == Use("read in full", PLUGGED, is_proved=True)
    assert use_answer(answer, CACHE, ()) == Use("merge", None, is_proved=True)
    assert changed_paths(answer, KEPT, SUITES) is None


def test_changes_that_are_not_enough() -> None:
    answer = ANSWER._replace(changes=None, required=FullReadingRequired("the order of nodes changed"))
    assert use_answer(answer, CACHE, ()) == Use("read in full", "the order of nodes changed", is_proved=True)
    nothing = use_answer(ANSWER._replace(changes=None), CACHE, ())
    assert nothing == Use("read in full", "the server sent no changes", is_proved=True)


def test_changed_paths() -> None:
    assert changed_paths(ANSWER, CACHE, ()) == {"/s/t"}
    assert changed_paths(ANSWER, None, ()) is None
    assert changed_paths(ANSWER._replace(changes=CHANGES._replace(state="active")), CACHE, ()) == {
        "/s/t",
        "/",
    }
    detail = CHANGES._replace(details={"flags": ("late",)})
    assert changed_paths(ANSWER._replace(changes=detail), CACHE, ()) == {"/s/t", "/"}
    label: tuple[str, dict[str, str]] = ("NodeLabelMemento", {})
    calendar: tuple[str, dict[str, str]] = ("SuiteCalendarMemento", {})
    mementos = [
        Mementos("/", False, [label]), Mementos("/s", False, [calendar]), Mementos("/s/u", True, []),
        Mementos("/s/v", False, [calendar, label]),
    ]  # fmt: skip
    attributes = ANSWER._replace(changes=CHANGES._replace(mementos=mementos))
    assert changed_paths(attributes, CACHE, ()) == {"/s/t", "/", "/s/u", "/s/v"}
    restarted = CHANGES._replace(begin_times={"s": "2026-Nov-26 00:00:00"})
    assert changed_paths(ANSWER._replace(changes=restarted), CACHE, ()) is None
    same = CHANGES._replace(begin_times=CACHE.begin_times)
    assert changed_paths(ANSWER._replace(changes=same), CACHE, ()) == {"/s/t"}


def test_kept_handle_is_used_only_for_its_target() -> None:
    scope = Scope(SUITES, MARKER, KEPT.target, keep_handle=True, leased=True)
    assert can_use_handle(KEPT, scope)
    assert not can_use_handle(None, scope)
    assert not can_use_handle(KEPT._replace(handle=0), scope)
    assert not can_use_handle(KEPT._replace(marker=""), scope)
    assert not can_use_handle(KEPT, scope._replace(target=[]))


def test_definition_from_which_the_next_run_cannot_sync() -> None:
    assert why_not_cached(DEFINITION, SAME) is None
    assert why_not_cached(replace(DEFINITION, has_duplicate_paths=True), SAME) == SAME_PATHS
    reason = why_not_cached(DEFINITION, SAME._replace(instance=None, missing=("host",)))
    assert reason and "not understood: host" in reason


def test_plug_is_seen_by_its_count() -> None:
    """Without statistics, none is known."""
    for cache, plugged in ((CACHE, False), (CACHE._replace(plug_count=1), True)):
        assert was_plugged(ANSWER._replace(statistics=None), cache, SUITES) is plugged
        assert was_plugged(ANSWER, cache, SUITES) is plugged
    assert not was_plugged(ANSWER, CACHE._replace(plug_count=1), ())
