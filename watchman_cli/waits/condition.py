"""One condition of a node, and where it is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from watchman_cli.details.dates import Moment
from watchman_cli.details.node import Node, Tree
from watchman_cli.waits.evaluate import Truth

WaitKind = Literal[
    "server", "suspended", "state", "limit", "time", "today", "date", "day", "cron", "complete", "trigger"
]


@dataclass(frozen=True)
class Wait:
    """One condition: `holds` is None if that is unknown, and `text` says why.

    `path` is the node whose condition it is, `/` the server. The last four are of a trigger or a complete.
    """

    path: str
    kind: WaitKind
    holds: bool | None
    text: str
    freed: bool = False
    expression: str = ""
    truth: Truth | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the condition as `--json` prints it."""
        document: dict[str, Any] = {
            "path": self.path, "kind": self.kind, "holds": self.holds, "text": self.text,
        }  # fmt: skip
        if self.kind in ("trigger", "complete"):
            terms = self.truth.as_dict() if self.truth else {"values": {}, "terms": []}
            document |= {
                "freed": self.freed,
                "expression": self.expression,
                "values": terms["values"],
                "terms": terms["terms"],
            }
        return document


class At(NamedTuple):
    """Where a condition is looked at: the node that has it, and its suite's time."""

    tree: Tree
    node: Node
    now: Moment | None
