"""A server's card on the page: its state, the reasons, and its number of nodes per status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from watchman_cli.check import DEFAULT_THRESHOLDS, Assessment, State
from watchman_cli.output.check import describe, describe_quiet
from watchman_cli.output.silences import silences_in_words
from watchman_cli.readback import StoredServer
from watchman_cli.text import printable


@dataclass(frozen=True)
class ServerCard:
    """A server's card; `index` is the index of its node, or None if there is no snapshot."""

    name: str
    stored: StoredServer
    state: State
    reasons: tuple[str, ...]
    counts: Mapping[str, int]
    index: int | None

    @property
    def stale(self) -> bool:
        """True if the snapshot is older than it should be."""
        return is_stale(self.stored)


def make_card(judged: Assessment, index: int | None) -> ServerCard:
    """Return the card of a server that was judged."""
    stored = judged.stored
    problems = (text for problem in judged.problems for text in (describe(problem), *problem.lines))
    reasons = (*problems, *describe_quiet(judged), *silences_in_words(stored))
    counts = stored.snapshot.counts() if stored.snapshot else {}
    return ServerCard(
        printable(stored.server), stored, judged.state, tuple(map(printable, reasons)), counts, index
    )


def is_stale(stored: StoredServer) -> bool:
    """Return True if a server's snapshot is older than it should be."""
    return stored.stale_reason is not None or (stored.age or 0) > DEFAULT_THRESHOLDS.max_age
