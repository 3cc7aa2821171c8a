"""The statuses that a node can have, in ecFlow's words."""

from __future__ import annotations

import enum


class NodeStatus(str, enum.Enum):
    """A node's dstate: its state, or `suspended` where it is suspended.

    The order is the one in which they are reported: what needs an operator first. A snapshot's
    records hold the values as plain strings; the snapshot's schema has the same list.
    """

    aborted = "aborted"
    active = "active"
    submitted = "submitted"
    queued = "queued"
    suspended = "suspended"
    complete = "complete"
    unknown = "unknown"
