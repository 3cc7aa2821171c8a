"""Aliases: two of one path, one that becomes unknown, and those that come and go."""

from __future__ import annotations

import pytest

from tests.support.watched import Watched

ALIASES = "aliases were added or removed"
WITH_ALIAS = """#5.9.2
defs_state MIGRATE state>:queued state_change:10 modify_change:10
suite s # state:queued suspended:1
  task a # state:queued
    alias alias0 # state:aborted
      edit ECF_ALIAS_NO '0'
    endalias
%s  endtask
  task b # state:complete
endsuite
# enddef
"""
ANOTHER = "    alias alias0 # state:complete\n    endalias\n"


def load(watched: Watched, more: str = "") -> None:
    watched.ecflow.delete_all(True)
    watched.ecflow.load_restored(WITH_ALIAS % more)


def test_an_alias_comes_and_goes(watched: Watched) -> None:
    watched.ecflow.make_alias("/s/f/a")
    found = watched.collect()
    assert (found["mode"], found["requests"], found["reason"]) == ("full", 2, ALIASES)
    assert watched.collect()["mode"] == "unchanged"
    watched.ecflow.force_state("/s/f/a/alias0", "State.aborted")
    found = watched.collect()
    assert (found["mode"], found["requests"]) == ("incremental", 1)
    watched.ecflow.delete("/s/f/a/alias0", True)
    found = watched.collect()
    assert (found["mode"], found["requests"], found["reason"]) == ("full", 2, ALIASES)


def test_an_alias_that_becomes_unknown_is_read_as_the_bindings_show_it(watched: Watched) -> None:
    load(watched)
    watched.collect()
    watched.ecflow.force_state("/s/a/alias0", "State.unknown")
    found = watched.collect()
    assert (found["mode"], found["requests"], found["reason"]) == ("full", 2, "an alias became unknown")
    assert watched.collect()["mode"] == "unchanged"


@pytest.mark.parametrize("turns", [3])
def test_two_aliases_of_one_path_are_read_in_full_each_time(watched: Watched, turns: int) -> None:
    """A change names its node by the path, which is that of both."""
    load(watched, ANOTHER)
    for turn in range(turns):
        watched.ecflow.force_state("/s/b", ("State.aborted", "State.complete")[turn % 2])
        found = watched.collect()
        assert (found["mode"], found["requests"]) == ("full", 1)
        assert found["reason"] == "two aliases have one path"
    load(watched)
    assert watched.collect()["mode"] == "full"
    assert watched.collect()["mode"] == "unchanged"


def test_an_unknown_memento_is_read_in_full(watched: Watched) -> None:
    """Which a later release of ecFlow may send."""
    watched.relay.rewrite = lambda _, reply: reply.replace(b'"NodeStateMemento"', b'"NodeNoveltyMemento"')
    watched.ecflow.force_state("/s/f/a", "State.aborted")
    found = watched.collect()
    assert (found["mode"], found["requests"]) == ("full", 2)
    assert found["reason"] == "a change of an unknown kind (NodeNoveltyMemento)"


def test_a_memento_of_another_shape_is_read_in_full(watched: Watched) -> None:
    watched.relay.rewrite = lambda _, reply: reply.replace(b'"first":', b'"premier":').replace(
        b'"absNodePath_": "/', b'"absNodePath_": "'
    )
    watched.ecflow.force_state("/s/f/a", "State.aborted")
    found = watched.collect()
    assert (found["mode"], found["requests"]) == ("full", 2)
    assert "the server's changes" in found["reason"]
