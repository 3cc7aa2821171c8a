"""One attempt to read a server: which requests it makes, and what comes of each kind of answer."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pytest

from tests.unit.collect.ecflow import HANDLES, SUITE, Ecflow, answering, changes_reply, full_reply
from tests.unit.ecflow_client import replies
from watchman_cli import snapshot
from watchman_cli.details import KeptDetails
from watchman_cli.details.policy import Policy
from watchman_cli.ecflow_client import Access, Client, EcflowError, Limits, TooSlow
from watchman_cli.ecflow_client.statistics import parse_statistics
from watchman_cli.ecflow_client.work import Work
from watchman_cli.snapshot import StatusRecord, join_records, parse_time
from watchman_cli.sync.decide import REPLACED
from watchman_cli.sync.handles import DROPPED, OTHER_SUITES, prefix_of
from watchman_cli.sync.instance import RESTARTED
from watchman_cli.sync.reading import Reading, Scope, StoredSnapshot
from watchman_cli.sync.session import SyncSession

MARKER = "watchman_0123456789abcdef"
TARGET = ["127.0.0.1", 3141, None]
NODES = [StatusRecord("/", "queued"), StatusRecord("/s", "active"), StatusRecord("/s/t", "complete")]
ABORTED = 3  # NState.hpp
# The statistics after another request, without a restart in between.
LATER = replies.STATISTICS.replace("cmd                  7", "cmd                  8").replace(
    "group                      9", "group                      10"
)


class EndsAt(Work):
    """Work whose time is over as a stage begins."""

    def __init__(self, stage: str) -> None:
        super().__init__()
        self._last = stage

    def require(self, seconds: float) -> None:
        if self.stage == self._last:
            raise TooSlow(self.describe())


class Server:
    """The server of a test, and sessions that read it."""

    def __init__(self, ecflow: Ecflow, port: int) -> None:
        self.ecflow, self.port = ecflow, port
        self.answers = 0

    def session(
        self, *suites: str, keep: bool = True, leased: bool = True, work: Work | None = None
    ) -> SyncSession:
        scope = Scope(suites, MARKER, TARGET, keep_handle=keep, leased=leased)
        now = time.monotonic()
        limits = Limits(now + 60, now + 60, 1 << 20, work)
        return SyncSession(Client(Access("127.0.0.1", self.port)), limits, scope, self._answered)

    def _answered(self) -> None:
        self.answers += 1

    def read_in_full(self, *suites: str, **options: Any) -> Reading:
        return self.session(*suites, **options).read(None, whole(b""), "first")


@pytest.fixture
def server() -> Iterator[Server]:
    with answering() as (ecflow, port):
        yield Server(ecflow, port)


def whole(value: bytes) -> StoredSnapshot:
    return StoredSnapshot(lambda: value, partial(snapshot.prove, (value,)), lambda paths: None)


def value_of(reading: Reading) -> bytes:
    assert reading.pieces is not None
    return snapshot.encode(reading.read_time, reading.server_state, reading.pieces)


def stored(reading: Reading) -> tuple[Any, bytes]:
    """Return the cache with the revision of the snapshot, and the snapshot."""
    value = value_of(reading)
    head = snapshot.parse_head(value[: snapshot.HEAD_SIZE])
    assert head and reading.cache
    return reading.cache._replace(revision=head.revision, told_apart=True), value


def records(reading: Reading) -> list[StatusRecord]:
    return list(snapshot.decode(value_of(reading)).records)


def with_handle(number: int, *suites: str, lines: Sequence[str] = SUITE) -> bytes:
    """Return the reply to the registration of a handle, with the new handle in the list."""
    statistics = replies.member("SStringCmd", str_=replies.STATISTICS)
    registered = replies.member("SClientHandleCmd", handle_=number)
    listed = handles((number, suites))
    return bytes(replies.reply(registered, replies.full(replies.definition(*lines)), statistics, listed))


def handles(*known: tuple[int, Sequence[str]]) -> dict[str, Any]:
    return replies.member(
        "SClientHandleSuitesCmd",
        users_=[{"first": "fred", "second": [number for number, _ in known]}],
        client_handles_=[{"first": number, "second": list(suites)} for number, suites in known],
    )


# ------------------------------------------------------------------------------- in full


def test_first_reading_is_one_request(server: Server) -> None:
    reading = server.read_in_full()
    assert server.ecflow.asked_for == [["stats", "handles", "full sync"]] and server.answers == 1
    assert (reading.mode, reading.reason, reading.nodes) == ("full", "first", 2)
    assert [(each.path, each.status) for each in records(reading)] == [
        (each.path, each.status) for each in NODES
    ]
    assert (reading.server_state, reading.server_version) == ("RUNNING", "5.9.2")
    assert reading.numbers == (5, 3) and reading.up_since == "2026-11-24T00:12:57+00:00"
    cache = reading.cache
    assert cache and (cache.state_change_no, cache.modify_change_no, cache.nodes) == (5, 3, 2)
    assert (cache.stats_count, cache.group_count, cache.target, cache.handle) == (7, 9, TARGET, 0)
    assert cache.read_time == reading.read_time and (reading.base, reading.changed) == (None, None)


def definition_reply(statistics: str, listed: dict[str, Any], *lines: str) -> bytes:
    """Return a reply with the statistics, a list of handles and a whole definition."""
    text = replies.member("SStringCmd", str_=statistics)
    return bytes(replies.reply(text, listed, replies.full(replies.definition(*lines))))


def test_reply_without_a_definition_is_an_error(server: Server) -> None:
    server.ecflow.replies = [
        bytes(replies.reply(replies.member("SStringCmd", str_=replies.STATISTICS), HANDLES))
    ]
    with pytest.raises(EcflowError, match=r"^the server sent no definition$"):
        server.read_in_full()


def test_statistics_that_prove_nothing_make_no_cache(server: Server) -> None:
    text = replies.STATISTICS.replace("Up since", "Down since")
    definition = replies.full(replies.definition(*SUITE))
    server.ecflow.replies = [
        bytes(replies.reply(replies.member("SStringCmd", str_=text), HANDLES, definition))
    ]
    reading = server.read_in_full()
    assert reading.cache is None and reading.reason and "not understood" in reading.reason
    assert reading.up_since is None and len(records(reading)) == 3


# ------------------------------------------------------------------------------- the changes


def test_unchanged_server(server: Server) -> None:
    cache, value = stored(server.read_in_full())
    server.ecflow.replies = [changes_reply()]
    reading = server.session().read(cache, whole(value), None)
    assert server.ecflow.asked_for[1:] == [["stats", "sync 5 3"]]
    assert (reading.mode, reading.reason, reading.pieces, reading.changes) == ("unchanged", None, None, ())
    assert (reading.nodes, reading.server_state, reading.numbers) == (2, "RUNNING", (5, 3))
    assert reading.up_since == "2026-11-24T00:12:57+00:00"
    assert reading.cache and reading.cache.stats_count == 8 and reading.cache.read_time == reading.read_time


def test_unchanged_server_needs_only_the_proof(server: Server) -> None:
    cache, value = stored(server.read_in_full())
    cache = cache._replace(begin_times={"s": "2026-Nov-24 00:12:57"})
    proof = whole(value)._replace(value=lambda: pytest.fail("the snapshot was read"))
    server.ecflow.replies = [changes_reply()]
    reading = server.session().read(cache, proof, None)
    assert (reading.mode, reading.server_state, reading.pieces) == ("unchanged", "RUNNING", None)
    assert reading.cache and reading.cache.begin_times == cache.begin_times
    assert reading.cache.first_seen == cache.first_seen != reading.read_time


def test_unchanged_server_whose_snapshot_is_not_proved_is_read_in_full(server: Server) -> None:
    cache, value = stored(server.read_in_full())
    server.ecflow.replies = [changes_reply(), full_reply()]
    reading = server.session().read(cache, whole(value.replace(b"complete", b"aborted")), None)
    assert (reading.mode, reading.reason) == ("full", "the snapshot in the store is damaged")


def test_changed_server(server: Server) -> None:
    cache, value = stored(server.read_in_full())
    server.ecflow.replies = [changes_reply(("/s/t", ABORTED))]
    reading = server.session().read(cache, whole(value), None)
    assert (reading.mode, reading.reason, reading.nodes) == ("incremental", None, 2)
    ((old, new),) = reading.changes or ()
    assert old and new and (old.status, new.path, new.status) == ("complete", "/s/t", "aborted")
    assert reading.cache and reading.cache.nodes == 2
    assert reading.numbers == (8, 3) and reading.cache and reading.cache.state_change_no == 8
    assert reading.pieces is not None and b"/s/t" in b"".join(reading.pieces)
    assert (reading.server_version, reading.vitals) == ("5.9.2", {})


def test_changes_are_merged_within_the_deadline(server: Server) -> None:
    cache, value = stored(server.read_in_full())
    server.ecflow.replies = [changes_reply(("/s/t", ABORTED))]
    with pytest.raises(TooSlow, match="was not merged in time"):
        server.session(work=EndsAt("merged")).read(cache, whole(value), None)


@pytest.mark.parametrize("also", [(), (("/s/t", [replies.memento("SuspendedMemento", suspended_=True)]),)])
def test_server_with_a_restarted_calendar_is_read_in_full(server: Server, also: tuple[Any, ...]) -> None:
    """Also if nothing else changed: later changes would be told from the old calendar's start."""
    cache, value = stored(server.read_in_full())
    calendar = replies.memento("SuiteCalendarMemento", cal_={"initTime_": "2026-Nov-26 00:00:00"})
    delta = replies.delta(("/s", [calendar]), *also)
    text = replies.member("SStringCmd", str_=LATER)
    answer = bytes(replies.reply(text, replies.member("SSyncCmd", incremental_changes_=delta)))
    server.ecflow.replies = [answer, full_reply()]
    reading = server.session().read(cache, whole(value), None)
    assert (reading.mode, reading.reason) == ("full", "the calendar of a suite was restarted")


def test_reason_for_a_full_reading_is_followed(server: Server) -> None:
    cache, value = stored(server.read_in_full())
    reading = server.session().read(cache, whole(value), "the clock was set back")
    assert server.ecflow.asked_for[1:] == [["stats", "handles", "full sync"]]
    assert (reading.mode, reading.reason) == ("full", "the clock was set back")
    assert reading.cache and reading.cache.first_seen == cache.first_seen != reading.read_time


def test_changes_of_another_start_are_not_used(server: Server) -> None:
    cache, value = stored(server.read_in_full())
    server.ecflow.replies = [changes_reply(("/s/t", ABORTED), stats=7), full_reply()]
    reading = server.session().read(cache, whole(value), None)
    assert server.ecflow.asked_for[1:] == [["stats", "sync 5 3"], ["stats", "handles", "full sync"]]
    assert reading.mode == "full" and reading.reason and reading.reason.startswith(RESTARTED)
    assert server.answers == 3


def test_definition_in_place_of_changes_is_used(server: Server) -> None:
    cache, value = stored(server.read_in_full())
    server.ecflow.replies = [definition_reply(LATER, HANDLES, "suite x # state:active", "endsuite")]
    reading = server.session().read(cache, whole(value), None)
    assert (reading.mode, reading.reason, reading.nodes) == ("full", REPLACED, 1)
    assert len(server.ecflow.asked_for) == 2
    assert reading.cache and reading.cache.first_seen == cache.first_seen != reading.read_time


def test_definition_of_another_start_is_used(server: Server) -> None:
    """A restarted server sends its whole definition if its change numbers are lower; its handles are gone."""
    cache, value = stored(server.read_in_full())
    server.ecflow.replies = [definition_reply(replies.STATISTICS, HANDLES, *SUITE)]
    reading = server.session().read(cache._replace(handle=4, marker=MARKER), whole(value), None)
    assert reading.mode == "full" and reading.reason and reading.reason.startswith(RESTARTED)
    assert len(server.ecflow.asked_for) == 2
    assert reading.cache and (reading.cache.handle, reading.cache.marker) == (0, "")


def test_reply_without_statistics_proves_nothing(server: Server) -> None:
    """The next run cannot tell whether the server was restarted, so it reads in full."""
    server.ecflow.replies = [bytes(replies.reply(HANDLES, replies.full(replies.definition(*SUITE))))]
    reading = server.read_in_full()
    assert (reading.cache, reading.up_since, reading.vitals) == (None, None, {})
    assert reading.reason and "(not understood: statistics)" in reading.reason
    assert len(records(reading)) == 3


@pytest.mark.parametrize("damage", ["another snapshot", "an unknown node"])
def test_changes_that_do_not_fit_are_followed_by_a_full_reading(server: Server, damage: str) -> None:
    cache, value = stored(server.read_in_full())
    server.ecflow.replies = [
        changes_reply(("/s/t" if "snapshot" in damage else "/s/x", ABORTED)),
        full_reply(),
    ]
    if "snapshot" in damage:
        value = snapshot.encode(cache.read_time, "RUNNING", [join_records([StatusRecord("/", "queued")])])
    reading = server.session().read(cache, whole(value), None)
    assert reading.mode == "full" and reading.reason and reading.reason != "first"
    assert server.ecflow.asked_for[2:] == [["stats", "handles", "full sync"]]


# ------------------------------------------------------------------------------- some suites


def test_some_suites_are_read_with_a_handle_that_is_kept(server: Server) -> None:
    server.ecflow.replies = [with_handle(4, "s")]
    reading = server.read_in_full("s")
    ((register, *others),) = server.ecflow.asked_for
    assert others == ["full sync", "stats", "handles"]
    word, marker, *suites = register.split()
    assert (word, suites) == ("register", ["s"])
    assert marker.startswith(prefix_of(MARKER)) and marker != MARKER
    assert reading.cache and (reading.cache.handle, reading.cache.marker) == (4, marker)


@pytest.mark.parametrize("fails", [False, True])
def test_handle_that_is_not_kept_is_dropped(server: Server, fails: bool) -> None:
    server.ecflow.replies = [with_handle(4, "s"), bytes(replies.reply(replies.member("StcCmd")))]
    if fails:
        server.ecflow.replies[1] = bytes(replies.reply(replies.member("ErrorCmd", error_msg_="no")))
    reading = server.read_in_full("s", keep=False)
    assert server.ecflow.asked_for[0][0] == f"register {MARKER}_{os.getpid()} s"
    assert server.ecflow.asked_for[1:] == [["drop 4"]]
    assert reading.cache and (reading.cache.handle, reading.cache.marker) == (0, "")
    assert (reading.mode, reading.reason) == ("full", "first")


def kept(server: Server) -> tuple[Any, bytes, dict[str, Any]]:
    """Return the cache, the snapshot and the list of handles after a reading with a kept handle."""
    server.ecflow.replies = [with_handle(4, "s")]
    cache, value = stored(server.read_in_full("s"))
    return cache, value, handles((4, [cache.marker, "s"]))


def changes_with(listed: dict[str, Any]) -> bytes:
    """Return the reply to an unchanged sync, with this list of handles."""
    document = replies.member("SSyncCmd", incremental_changes_=replies.delta() | {
        "server_state_change_no_": 5, "server_modify_change_no_": 3,
    })  # fmt: skip
    return bytes(replies.reply(replies.member("SStringCmd", str_=LATER), listed, document))


def test_kept_handle_is_used(server: Server) -> None:
    cache, value, listed = kept(server)
    server.ecflow.replies = [changes_with(listed)]
    reading = server.session("s").read(cache, whole(value), None)
    assert server.ecflow.asked_for[1:] == [["stats", "handles", "sync 5 3 4"]]
    assert reading.mode == "unchanged" and reading.cache
    assert (reading.cache.handle, reading.cache.marker) == (4, cache.marker)


def test_kept_handle_is_used_for_a_full_reading(server: Server) -> None:
    cache, value, listed = kept(server)
    statistics = replies.member("SStringCmd", str_=replies.STATISTICS)
    server.ecflow.replies = [
        bytes(replies.reply(statistics, listed, replies.full(replies.definition(*SUITE))))
    ]
    reading = server.session("s").read(cache, whole(value), "most nodes changed")
    assert server.ecflow.asked_for[1:] == [["stats", "handles", "sync 0 0 4"]]
    assert (reading.mode, reading.reason) == ("full", "most nodes changed")
    assert reading.cache and (reading.cache.handle, reading.cache.marker) == (4, cache.marker)


def test_handle_that_was_dropped_is_registered_anew(server: Server) -> None:
    cache, value, _ = kept(server)
    server.ecflow.replies = [changes_with(handles()), with_handle(6, "s")]
    reading = server.session("s").read(cache, whole(value), None)
    assert [each[0].split()[0] for each in server.ecflow.asked_for[1:]] == ["stats", "register"]
    assert reading.reason == DROPPED and reading.cache and reading.cache.handle == 6


def test_definition_of_a_dropped_handle_is_not_used(server: Server) -> None:
    """The handle's number may have been given to a client of other suites."""
    cache, value, _ = kept(server)
    other = handles((4, ["another program", "x"]))
    definition = definition_reply(LATER, other, "suite x # state:active", "endsuite")
    server.ecflow.replies = [definition, with_handle(6, "s")]
    reading = server.session("s").read(cache, whole(value), None)
    assert reading.reason == DROPPED and reading.cache and reading.cache.handle == 6
    assert "/s" in [each.path for each in records(reading)]


def test_handle_of_another_address_or_other_suites_is_not_used(server: Server) -> None:
    cache, value, _ = kept(server)
    server.ecflow.replies = [with_handle(6, "s")]
    cache = cache._replace(target=["127.0.0.2", 3141, None])
    reading = server.session("s").read(cache, whole(value), "the server's address, user or suites differ")
    assert [each[0].split()[0] for each in server.ecflow.asked_for[1:]] == ["register"]
    assert reading.cache and reading.cache.handle == 6


def test_reason_stays_if_the_handle_was_dropped(server: Server) -> None:
    cache, value, _ = kept(server)
    server.ecflow.replies = [definition_reply(replies.STATISTICS, handles(), *SUITE), with_handle(6, "s")]
    reading = server.session("s").read(cache, whole(value), "most nodes changed")
    assert [each[0].split()[0] for each in server.ecflow.asked_for[1:]] == ["stats", "register"]
    assert reading.reason == "most nodes changed"


def test_new_handle_is_kept_and_the_earlier_one_is_dropped(server: Server) -> None:
    cache, value, _ = kept(server)
    statistics = replies.member("SStringCmd", str_=replies.STATISTICS)
    registered = replies.member("SClientHandleCmd", handle_=6)
    both = handles((4, [cache.marker, "s"]), (6, [f"{prefix_of(MARKER)}00000000", "t"]))
    definition = replies.full(replies.definition(*SUITE))
    server.ecflow.replies = [
        changes_with(handles((4, [cache.marker, "s"]))),
        bytes(replies.reply(registered, definition, statistics, both)),
        bytes(replies.reply(replies.member("StcCmd"))),
    ]
    reading = server.session("t").read(cache, whole(value), None)
    assert reading.reason == OTHER_SUITES and reading.cache and reading.cache.handle == 6
    assert server.ecflow.asked_for[3:] == [["drop 4"]]


@pytest.mark.parametrize("leased", [True, False])
def test_handles_of_killed_runs_are_dropped(server: Server, leased: bool) -> None:
    """Without the lease, another run may use them."""
    cache, value, _ = kept(server)
    stale = (7, [f"{prefix_of(MARKER)}00000000", "s"])
    server.ecflow.replies = [
        changes_with(handles((4, [cache.marker, "s"]), stale, (8, ["another program"]))),
        bytes(replies.reply(replies.member("StcCmd"))),
    ]
    server.session("s", leased=leased).read(cache, whole(value), None)
    assert server.ecflow.asked_for[2:] == ([["drop 7"]] if leased else [])


def test_handle_is_dropped_if_all_suites_are_read_again(server: Server) -> None:
    cache, value, listed = kept(server)
    statistics = replies.member("SStringCmd", str_=replies.STATISTICS)
    server.ecflow.replies = [
        bytes(replies.reply(statistics, listed, replies.full(replies.definition(*SUITE)))),
        bytes(replies.reply(replies.member("StcCmd"))),
    ]
    reading = server.session().read(cache, whole(value), "the server's address, user or suites differ")
    assert server.ecflow.asked_for[1:] == [["stats", "handles", "full sync"], ["drop 4"]]
    assert reading.cache and reading.cache.handle == 0


@pytest.mark.parametrize("suites", [(), ("s",)])
def test_handle_of_the_previous_marker_is_dropped(server: Server, suites: Sequence[str]) -> None:
    """So it is if the store's URL or the server's name was changed."""
    cache, value = stored(server.read_in_full())
    cache = cache._replace(handle=1, marker="watchman_7654321089abcdef", target=["node1", 3141, None])
    statistics = replies.member("SStringCmd", str_=replies.STATISTICS)
    registered = [replies.member("SClientHandleCmd", handle_=2)] if suites else []
    listed, definition = handles((1, [cache.marker, "s"])), replies.full(replies.definition(*SUITE))
    server.ecflow.replies = [
        bytes(replies.reply(*registered, statistics, listed, definition)),
        bytes(replies.reply(replies.member("StcCmd"))),
    ]
    reading = server.session(*suites).read(cache, whole(value), "the server's address, user or suites differ")
    assert reading.cache and reading.cache.handle == len(suites) * 2
    assert server.ecflow.asked_for[2:] == [["drop 1"]]


def test_state_under_a_suspended_node_is_kept(server: Server) -> None:
    task = "  task t # state:complete dur:00:00:07 suspended:1"
    server.ecflow.replies = [full_reply("suite s # state:active", task, "endsuite")]
    cache = server.read_in_full().cache
    assert cache and cache.suspended == {"/s/t": ("complete", None)}


# ------------------------------------------------------------------------------- for the referee


def test_nodes_that_changed_since(server: Server) -> None:
    cache, _ = stored(server.read_in_full())
    server.ecflow.replies = [changes_reply(("/s/t", ABORTED))]
    assert server.session().changed_since((5, 3), cache) == {"/s/t"}
    assert server.ecflow.asked_for[1:] == [["stats", "sync 5 3"]]
    assert server.session().changed_since((4, 2), None) is None
    assert server.ecflow.asked_for[2:] == [["stats", "sync 4 2"]]


def test_texts_of_several_lines(server: Server) -> None:
    cache, _ = stored(server.read_in_full())
    assert not server.session().has_several_lines(cache)
    assert server.ecflow.asked_for[1:] == [["stats", "full sync"]]
    assert not server.session("s").has_several_lines(cache._replace(handle=4, marker=MARKER))
    assert server.ecflow.asked_for[2:] == [["stats", "handles", "sync 0 0 4"]]


def test_changes_that_take_too_long_are_followed_by_a_full_reading(server: Server) -> None:
    class SlowOnce(Work):
        slow = True

        def begin(self, size: int) -> None:
            if self.slow:
                self.slow = False
                raise TooSlow("the reply was not decoded in time")

    cache, value = stored(server.read_in_full())
    server.ecflow.replies = [changes_reply(), full_reply()]
    now = time.monotonic()
    client, scope = Client(Access("127.0.0.1", server.port)), Scope((), MARKER, TARGET, True, True)
    limits = Limits(now + 60, now + 60, 1 << 20, SlowOnce())
    reading = SyncSession(client, limits, scope, lambda: None).read(cache, whole(value), None)
    assert (reading.mode, reading.reason) == ("full", "the changes would take too long to decode")


def test_failed_request_is_raised(server: Server) -> None:
    server.ecflow.replies = [bytes(replies.reply(replies.member("ErrorCmd", error_msg_="no")))]
    with pytest.raises(EcflowError, match="answered the request with an error"):
        server.read_in_full()
    assert server.answers == 0 and re.match("stats", server.ecflow.asked_for[0][0])


def test_statistics_reach_the_reading(server: Server) -> None:
    text = replies.STATISTICS.replace(
        "Host                       node1", f"Host                       {socket.gethostname()}"
    )
    text += "   Resident_memory_used       12.5 MB\n"
    server.ecflow.replies = [
        bytes(
            replies.reply(
                replies.member("SStringCmd", str_=text), HANDLES, replies.full(replies.definition(*SUITE))
            )
        )
    ]
    reading = server.read_in_full()
    assert reading.vitals == parse_statistics(text).vitals == {"resident_memory_megabytes": 12.5}
    assert reading.cache and reading.cache.told_apart  # the same clock: the second of its start is over


def test_server_on_another_host_has_another_clock(server: Server) -> None:
    reading = server.read_in_full()
    assert reading.cache and reading.cache.instance.host == "node1"
    assert reading.cache.told_apart is (
        parse_time(reading.read_time) > parse_time("2026-11-24T01:12:57+00:00")
    )


def test_every_request_ends_with_the_attempt(server: Server) -> None:
    server.ecflow.held.clear()
    now = time.monotonic()
    scope = Scope((), MARKER, TARGET, keep_handle=True, leased=True)
    session = SyncSession(
        Client(Access("127.0.0.1", server.port)), Limits(now + 0.05, now + 0.05, 1 << 20), scope, lambda: None
    )
    with pytest.raises(EcflowError, match="no answer in time"):
        session.read(None, whole(b""), "first")


# ------------------------------------------------------------------------------- details


def detailed(server: Server, policy: Policy | None = None) -> SyncSession:
    now = time.monotonic()
    scope = Scope((), MARKER, TARGET, keep_handle=True, leased=True, details=lambda: policy or Policy())
    client = Client(Access("127.0.0.1", server.port), with_lines=True)
    return SyncSession(client, Limits(now + 60, now + 60, 1 << 20), scope, lambda: None)


def test_details_are_read(server: Server) -> None:
    reading = detailed(server).read(None, whole(b""), "first")
    assert reading.base and reading.base.fields and reading.changed is None
    cache, value = stored(reading)
    cache = cache._replace(kept_details=KeptDetails([], "r t", None, []))
    server.ecflow.replies = [changes_reply(("/s/t", ABORTED))]
    changed = detailed(server).read(cache, whole(value), None).changed
    assert changed and set(changed.nodes) == {"/s/t"}
    assert server.session().read(cache, whole(value), None).changed is None


def test_store_is_told_of_which_nodes_the_details_follow_before_the_snapshot_is_read(server: Server) -> None:
    cache, value = stored(detailed(server).read(None, whole(b""), "first"))
    cache = cache._replace(kept_details=KeptDetails([], "r t", None, []))
    steps: list[Any] = []

    def read() -> bytes:
        steps.append("read")
        return value

    watched = whole(value)._replace(value=read, expect_details=steps.append)
    for session, told in ((detailed(server), [["/s/t"]]), (server.session(), [])):
        server.ecflow.replies = [changes_reply(("/s/t", ABORTED))]
        assert session.read(cache, watched, None).mode == "incremental"
        assert steps == [*told, "read"]
        steps.clear()


def test_store_is_told_of_no_details_if_none_that_are_kept_changed(server: Server) -> None:
    cache, value = stored(detailed(server).read(None, whole(b""), "first"))
    cache = cache._replace(kept_details=KeptDetails([], "r t", None, []))
    watched = whole(value)._replace(expect_details=lambda paths: pytest.fail(f"details of {paths}"))
    meter = replies.memento("NodeMeterMemento", meter_={"n_": "m", "min_": 0, "max_": 9, "v_": 1})
    delta = replies.delta(("/s/t", [meter]))
    changes = replies.member("SSyncCmd", incremental_changes_=delta)
    server.ecflow.replies = [bytes(replies.reply(replies.member("SStringCmd", str_=LATER), changes))]
    changed = detailed(server, Policy(["labels"])).read(cache, watched, None).changed
    assert changed and changed.nodes == {}


def test_details_of_an_unchanged_server(server: Server) -> None:
    cache, value = stored(detailed(server).read(None, whole(b""), "first"))
    server.ecflow.replies = [changes_reply()]
    reading = detailed(server).read(cache, whole(value), None)
    assert (reading.mode, reading.changed, reading.base) == ("unchanged", None, None)


def test_start_that_was_seen_before_keeps_its_first_time(server: Server) -> None:
    """Also if the changes are not used, or a handle is registered anew."""
    cache, value, _ = kept(server)
    server.ecflow.replies = [changes_with(handles()), with_handle(6, "s")]
    reading = server.session("s").read(cache, whole(value), None)
    assert reading.cache and reading.cache.first_seen == cache.first_seen != reading.read_time
    dropped = bytes(replies.reply(replies.member("StcCmd")))
    server.ecflow.replies = [changes_with(handles()), with_handle(7, "s"), dropped]
    reading = server.session("s", keep=False).read(cache, whole(value), "other suites")
    assert reading.cache and reading.cache.first_seen == cache.first_seen


def test_changes_that_do_not_fit_keep_the_first_time(server: Server) -> None:
    cache, value = stored(server.read_in_full())
    server.ecflow.replies = [changes_reply(("/s/x", ABORTED)), full_reply()]
    reading = server.session().read(cache, whole(value), None)
    assert reading.cache and reading.cache.first_seen == cache.first_seen != reading.read_time


def test_change_that_details_cannot_hold_is_followed_by_a_full_reading(server: Server) -> None:
    cache, value = stored(detailed(server).read(None, whole(b""), "first"))
    cache = cache._replace(kept_details=KeptDetails([], "r t", None, []))
    delta = replies.delta(("/s/t", [replies.memento("NodeAvisoMemento")]))
    changes = replies.member("SSyncCmd", incremental_changes_=delta)
    server.ecflow.replies = [
        bytes(replies.reply(replies.member("SStringCmd", str_=LATER), changes)),
        full_reply(),
    ]
    reading = detailed(server).read(cache, whole(value), None)
    assert (reading.mode, len(server.ecflow.asked_for)) == ("full", 3)
    assert reading.reason == "a change of a kind that details do not have (NodeAvisoMemento)"


def test_changes_of_a_handle_that_was_dropped_are_not_compared(server: Server) -> None:
    cache, _, _ = kept(server)
    server.ecflow.replies = [changes_with(handles())]
    assert server.session("s").changed_since((5, 3), cache) is None


def test_changes_of_a_kept_handle_are_compared_with_it(server: Server) -> None:
    cache, _, listed = kept(server)
    server.ecflow.replies = [changes_with(listed)]
    assert server.session("s").changed_since((5, 3), cache) == set()
    assert server.ecflow.asked_for[1:] == [["stats", "handles", "sync 5 3 4"]]
