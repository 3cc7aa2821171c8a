"""Why a node waits: its conditions, and where the chain behind them ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from watchman_cli.details.node import Tree
from watchman_cli.errors import NoSuchNode
from watchman_cli.text import plain_or_quoted
from watchman_cli.waits.chain import MAX_NODES, End, follow
from watchman_cli.waits.condition import Wait
from watchman_cli.waits.conditions import conditions_of, stopping


@dataclass(frozen=True)
class Why:
    """What stops a node, as of the reading at `collected_time`.

    `waits` has every condition of the server, of the node's parents and of the node, the fulfilled ones too.
    `in_the_end` has the ends of the chain of those that are not fulfilled, sorted by path; `cut` says whether
    the chain is longer than it was followed.
    """

    path: str
    status: str
    server_state: str
    collected_time: datetime
    waits: tuple[Wait, ...]
    in_the_end: tuple[End, ...]
    stopped_by: tuple[Wait, ...] = ()
    cut: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the answer as `watchman why --json` prints it."""
        return {
            "path": self.path,
            "status": self.status,
            "server_state": self.server_state,
            "collected_time": self.collected_time.isoformat(),
            "waits": [each.as_dict() for each in self.waits],
            "in_the_end": [each.as_dict() for each in self.in_the_end],
        }


def explain(tree: Tree, path: str, collected_time: datetime, most: int = MAX_NODES) -> Why:
    """Return why the node at a path waits; at most `most` nodes are followed. Raises NoSuchNode."""
    node = tree.node(path)
    if node is None:
        raise NoSuchNode(f"no such node: {plain_or_quoted(path)}")
    waits = tuple(conditions_of(tree, node))
    ends, cut = follow(tree, node, most)
    return Why(
        path=node.path,
        status=node.status,
        server_state=tree.server.state,
        collected_time=collected_time,
        waits=waits,
        in_the_end=tuple(ends),
        stopped_by=tuple(stopping(node, waits)),
        cut=cut,
    )
