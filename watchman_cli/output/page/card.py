"""What the page says of one server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from watchman_cli.check import Assessment, State
from watchman_cli.check.judge import DEFAULT_LIMITS
from watchman_cli.output.check import describe
from watchman_cli.readback import StoredServer
from watchman_cli.text import printable


@dataclass(frozen=True)
class ServerCard:
    """What the page says of a server; `index` is that of its node, None where there is no snapshot."""

    name: str
    status: StoredServer
    state: State
    reasons: tuple[str, ...]
    counts: Mapping[str, int]
    index: int | None

    @property
    def stale(self) -> bool:
        """Whether the snapshot is older than it should be."""
        return is_stale(self.status)


def make_card(judged: Assessment, index: int | None) -> ServerCard:
    """Return the card of a server that was judged."""
    status = judged.status
    reasons = (text for problem in judged.problems for text in (describe(problem), *problem.details))
    counts = status.snapshot.counts() if status.snapshot else {}
    return ServerCard(
        printable(status.server), status, judged.state, tuple(map(printable, reasons)), counts, index
    )


def is_stale(status: StoredServer) -> bool:
    """Return whether a server's snapshot is older than it should be."""
    return status.stale_reason is not None or (status.age or 0) > DEFAULT_LIMITS.max_age
