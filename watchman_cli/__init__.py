"""watchman: reads ecFlow servers, and keeps their nodes where other programs can read them.

The library is usable without the command line::

    from watchman_cli import read_snapshot

    snapshot = read_snapshot("redis://127.0.0.1:6379/0", "nwp_xp/nwpc_op")
    print(snapshot.collected_time, snapshot.status("/suite/family/task"))
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from watchman_cli.details.summary import NodeDetails
    from watchman_cli.errors import (
        BadSnapshot,
        NoDetails,
        NoSnapshot,
        NoSuchNode,
        StoreError,
        WatchmanError,
    )
    from watchman_cli.follow import (
        Change,
        DeadlineMissed,
        Resynchronised,
        ServerStateChange,
        follow_changes,
    )
    from watchman_cli.nodes import find, read_node, why
    from watchman_cli.readback import read_snapshot
    from watchman_cli.snapshot import Snapshot, StatusRecord
    from watchman_cli.wait import NodeSight, Waited, wait_for_status
    from watchman_cli.waits.find import Found
    from watchman_cli.waits.result import Why

__version__ = "0.2.0"
__all__ = [
    "BadSnapshot",
    "Change",
    "DeadlineMissed",
    "Found",
    "NoDetails",
    "NoSnapshot",
    "NoSuchNode",
    "NodeDetails",
    "NodeSight",
    "Resynchronised",
    "ServerStateChange",
    "Snapshot",
    "StatusRecord",
    "StoreError",
    "Waited",
    "WatchmanError",
    "Why",
    "__version__",
    "find",
    "follow_changes",
    "read_node",
    "read_snapshot",
    "wait_for_status",
    "why",
]

_HOMES = {
    "BadSnapshot": "errors",
    "NoDetails": "errors",
    "NoSuchNode": "errors",
    "NodeDetails": "details.summary",
    "Found": "waits.find",
    "Why": "waits.result",
    "find": "nodes",
    "read_node": "nodes",
    "why": "nodes",
    "NoSnapshot": "errors",
    "StoreError": "errors",
    "WatchmanError": "errors",
    "Change": "follow",
    "DeadlineMissed": "follow",
    "Resynchronised": "follow",
    "ServerStateChange": "follow",
    "follow_changes": "follow",
    "Snapshot": "snapshot",
    "StatusRecord": "snapshot",
    "read_snapshot": "readback",
    "NodeSight": "wait",
    "Waited": "wait",
    "wait_for_status": "wait",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: redis alone takes longer than a whole small run."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
