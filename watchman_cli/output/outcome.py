"""What a run did, in words: a line for a server, and one for the whole run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from watchman_cli.errors import ServerError, StoreError

if TYPE_CHECKING:
    from watchman_cli.collect import Outcome

RESULTS = ("written", "skipped", "failed", "lost")
MODES = {"unchanged": "unchanged", "incremental": "synced incrementally", "full": "synced in full"}


def describe_failure(outcome: Outcome) -> str:
    """Return why a server's snapshot was not written, and which one is kept."""
    error = outcome.error
    tries = f" (tried {outcome.attempts} times)" if outcome.attempts > 1 else ""
    if isinstance(error, StoreError):
        lost = "its snapshot was read, and is lost" if outcome.report else "it was not read"
        return f"{error}; {lost}"
    where = outcome.server.address
    message = str(error) if where in str(error) else f"{error} ({where})"
    detail = ""
    if isinstance(error, ServerError) and error.kind in ("server", "crashed") and error.detail:
        detail = f" [{error.detail[:160]}]" if error.detail not in message else ""
    kept = "no snapshot is kept"
    if outcome.kept:
        kept = f"the snapshot of {outcome.kept[:19].replace('T', ' ')} UTC is kept"
    return f"{message}{tries}{detail}; {kept}"


def describe_success(outcome: Outcome) -> str:
    """Return how a server was read, and what that cost."""
    if outcome.result in ("skipped", "interrupted"):
        return "skipped: another run is reading it" if outcome.result == "skipped" else "interrupted"
    report = outcome.report or {}
    mode = {"unchanged": "nothing changed", "incremental": "incremental sync"}.get(report["way"], "full sync")
    reason = f" ({report['why']})" if report["why"] else ""
    verified = f", compared: {report['compared']}" if report.get("compared") else ""
    cost = f"{report['requests']} requests, {outcome.seconds:.2f} s"
    return f"{report['nodes']} nodes, {mode}{reason}{verified}, {cost}"


def describe_run(outcomes: Sequence[Outcome], seconds: float) -> str:
    """Return a line with the number of servers per result, and how they were read."""
    results = Counter(outcome.result for outcome in outcomes)
    modes = Counter(outcome.report["way"] for outcome in outcomes if outcome.report)
    how = ", ".join(f"{modes[mode]} {words}" for mode, words in MODES.items() if modes[mode])
    counts = ", ".join(f"{results[result]} {result}" for result in RESULTS if results[result])
    return f"{counts} in {seconds:.2f} s{f' ({how})' if how else ''}"
