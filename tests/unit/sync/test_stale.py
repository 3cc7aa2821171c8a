"""Unused handles are noted while a server is read, and dropped at the end."""

from __future__ import annotations

import pytest

from tests.unit.collect.scenarios import CACHE
from tests.unit.ecflow_client import replies
from tests.unit.ecflow_client.fake_server import answering, framed, limits
from watchman_cli.ecflow_client import Access, Answer, Client, Handle
from watchman_cli.sync.reading import Scope
from watchman_cli.sync.stale import StaleHandles

MARKER = "watchman_0123456789abcdef"
OLD_MARKER = "watchman_7654321089abcdef"
SCOPE = Scope(("s",), MARKER, [], keep_handle=True, leased=True)
ANSWER = Answer(
    handles=(
        Handle(3, "fred", (MARKER, "s")),
        Handle(4, "fred", (OLD_MARKER, "s")),
        Handle(5, "fred", (MARKER, "s")),
        Handle(6, "fred", ("s",)),
    )
)
REPLY = bytes(replies.reply(replies.member("ErrorCmd", error_msg_="no such handle")))


def dropped(stale: StaleHandles) -> int:
    """Return how many requests dropped the handles, from a server that refuses them."""
    with answering(framed(REPLY)) as server:
        client = Client(Access(server.host, server.port))
        stale.drop(client, limits())
    return client.requests


def test_noted_handles_are_dropped_in_one_request() -> None:
    """The server refuses: another run may have dropped them, and the reading is still good."""
    stale = StaleHandles(SCOPE)
    stale.note(ANSWER, None, used=3)
    stale.add(9)
    assert stale.numbers == [5, 9]
    assert dropped(stale) == 1


def test_handles_of_the_previous_marker_are_noted() -> None:
    stale = StaleHandles(SCOPE)
    stale.note(ANSWER, CACHE._replace(marker=OLD_MARKER), used=0)
    stale.note(Answer(), CACHE, used=0)
    assert stale.numbers == [3, 4, 5]


def test_without_a_marker_no_handle_is_noted() -> None:
    """Each handle's name would begin with it."""
    stale = StaleHandles(SCOPE._replace(marker=""))
    for cache in (None, CACHE._replace(marker="")):
        stale.note(ANSWER, cache, used=0)
    assert stale.numbers == []


@pytest.mark.parametrize("answer", [ANSWER, Answer()])
def test_without_a_lease_no_handle_is_noted(answer: Answer) -> None:
    stale = StaleHandles(SCOPE._replace(leased=False))
    stale.note(answer, CACHE, used=0)
    assert stale.numbers == []
    assert dropped(stale) == 0
