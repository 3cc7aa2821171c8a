"""The delivery of a server's events, with a store in memory."""

from __future__ import annotations

import time
from collections.abc import Callable

import orjson

from tests.unit.causes.examples import event, text
from tests.unit.collect.scenarios import server
from watchman_cli import health
from watchman_cli.causes.model import Event, Notices
from watchman_cli.health import Health
from watchman_cli.notify.deliver import deliver_events
from watchman_cli.store.memory import MemoryStore

SERVER = server()


def soon() -> float:
    return time.monotonic() + 30


def store_with(*events: Event) -> MemoryStore:
    store = MemoryStore()
    record = Health(checked_time=text(), notices=Notices(events=events))
    store.memory.values["o/r", "health"] = health.encode(record)
    return store


def left(store: MemoryStore) -> list[tuple[str, tuple[str, ...]]]:
    notices = health.decode(store.value("o/r", "health")).notices
    assert notices
    return [(each.id, each.to) for each in notices.events]


class Accepts:
    """A receiver that accepts some events, and remembers those."""

    def __init__(self, number: int = 1000) -> None:
        self.left, self.ids = number, list[str]()

    def __call__(self, value: bytes) -> bool:
        self.left -= 1
        if self.left >= 0:
            self.ids.append(orjson.loads(value)["id"])
        return self.left >= 0


def test_events_are_delivered_in_order_and_once() -> None:
    store, webhook, command = store_with(event(1), event(2)), Accepts(), Accepts()
    for _ in range(2):
        deliver_events(store, SERVER, {"webhook": webhook, "command": command}, soon())
    assert webhook.ids == command.ids == ["id1", "id2"]
    assert left(store) == []


def test_event_that_is_refused_holds_up_the_next_ones_of_its_receiver() -> None:
    store, webhook, command = store_with(event(1), event(2)), Accepts(1), Accepts()
    deliver_events(store, SERVER, {"webhook": webhook, "command": command}, soon())
    assert left(store) == [("id2", ("webhook",))]
    again = Accepts()
    deliver_events(store, SERVER, {"webhook": again, "command": command}, soon())
    assert (again.ids, command.ids) == (["id2"], ["id1", "id2"])


def test_receiver_that_an_event_is_not_for() -> None:
    only = event()._replace(to=("command",))
    store, webhook = store_with(only), Accepts()
    deliver_events(store, SERVER, {"webhook": webhook}, soon())
    assert webhook.ids == []
    assert left(store) == [("id1", ("command",))]


def test_nothing_is_delivered_while_another_run_has_the_server() -> None:
    store, webhook = store_with(event()), Accepts()
    lease = store.lease("o/r", soon())
    assert lease
    with lease:
        deliver_events(store, SERVER, {"webhook": webhook}, soon())
    assert webhook.ids == []
    deliver_events(store, SERVER, {"webhook": webhook}, soon())
    assert webhook.ids == ["id1"]


def test_another_run_cannot_deliver_at_the_same_time() -> None:
    store, other = store_with(event()), Accepts()

    def deliver(value: bytes) -> bool:
        deliver_events(store, SERVER, {"webhook": other}, soon())
        return True

    deliver_events(store, SERVER, {"webhook": deliver}, soon())
    assert other.ids == []
    assert left(store) == [("id1", ("command",))]


def test_killed_run_delivers_again() -> None:
    store, webhook = store_with(event()), Accepts()

    def killed(value: bytes) -> bool:
        raise KeyboardInterrupt

    receivers: list[Callable[[bytes], bool]] = [killed, webhook]
    for receiver in receivers:
        try:
            deliver_events(store, SERVER, {"webhook": receiver}, soon())
        except KeyboardInterrupt:
            continue
    assert webhook.ids == ["id1"]


def test_no_event_begins_after_the_deadline() -> None:
    store, webhook = store_with(event()), Accepts()
    deliver_events(store, SERVER, {"webhook": webhook}, time.monotonic() - 1)
    assert webhook.ids == []


def test_server_without_notices() -> None:
    store = MemoryStore()
    deliver_events(store, SERVER, {"webhook": Accepts()}, soon())
    assert store.value("o/r", "health") is None
