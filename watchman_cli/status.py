"""The statuses that a node can have, in ecFlow's words."""

from __future__ import annotations

import enum


class NodeStatus(str, enum.Enum):
    """A node's dstate: its state, or `suspended` if it is suspended.

    Their order is the order of reports: statuses that need an operator come first. A snapshot's records have
    the values as plain strings. The snapshot's schema has the same list.
    """

    aborted = "aborted"
    active = "active"
    submitted = "submitted"
    queued = "queued"
    suspended = "suspended"
    complete = "complete"
    unknown = "unknown"
