"""Deliver the events of one server, in order, and note in the store which ones were accepted."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from watchman_cli import health as health_record
from watchman_cli.causes.model import Receiver
from watchman_cli.config import Server
from watchman_cli.notify.event import encode_event
from watchman_cli.store import LeaseLost, SnapshotChanged, Store, Update

LEASE_RESERVE = 2.0  # seconds beyond the deadline for a busy store; the lease ends as soon as all is noted

Deliver = Callable[[bytes], bool]  # returns whether the receiver accepted an event


def deliver_events(
    store: Store, server: Server, receivers: Mapping[Receiver, Deliver], deadline: float
) -> None:
    """Deliver the stored events of a server until `deadline`, a time.monotonic(). Raises StoreError.

    With the lease, no other run delivers them meanwhile. If the run is killed before it has noted an event as
    delivered, the next run delivers it again. If another run has the lease, nothing is done: that run, or a
    later one, delivers them.
    """
    lease = store.lease(server.name, deadline + LEASE_RESERVE)
    if lease is None:
        return
    with lease:
        health = health_record.salvage(lease.stored.health)
        if health.notices is None:
            return
        delivered: list[tuple[Receiver, str]] = []
        for receiver, deliver in receivers.items():
            for event in health.notices.events:
                if receiver not in event.to:
                    continue
                if time.monotonic() > deadline or not deliver(encode_event(server.name, event)):
                    break
                delivered.append((receiver, event.id))
        if not delivered:
            return
        health = health._replace(notices=health.notices.without(delivered))
        try:
            lease.commit(Update(health_record.encode(health), expire=server.expire))
        except (LeaseLost, SnapshotChanged):  # another run has taken over, and delivers them again
            return
