"""The outcome of a run in words: a line for each server, and one for the whole run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from watchman_cli.errors import StoreError

if TYPE_CHECKING:
    from watchman_cli.collect import Outcome, Result
    from watchman_cli.health import Mode

RESULTS: tuple[Result, ...] = ("written", "skipped", "failed", "lost")
MODES: Mapping[Mode, str] = {
    "unchanged": "unchanged",
    "incremental": "synced incrementally",
    "full": "synced in full",
}
READ: Mapping[Mode, str] = {
    "unchanged": "nothing changed",
    "incremental": "incremental sync",
    "full": "full sync",
}


def describe_failure(outcome: Outcome) -> str:
    """Return the reason why a server's snapshot was not written, and which one is kept, if that is known."""
    error = outcome.error
    tries = f" (tried {outcome.attempts} times)" if outcome.attempts > 1 else ""
    if isinstance(error, StoreError):
        lost = "its snapshot was read, and is lost" if outcome.reading else "it was not read"
        return f"{error}; {lost}"
    address = outcome.server.address
    message = str(error) if address in str(error) else f"{error} ({address})"
    kept = "" if outcome.kept is None else "; no snapshot is kept"
    if outcome.kept:
        kept = f"; the snapshot of {outcome.kept[:19].replace('T', ' ')} UTC is kept"
    return f"{message}{tries}{kept}"


def describe_success(outcome: Outcome) -> str:
    """Return how a server was read, and the cost: nodes, requests and seconds."""
    if outcome.result in ("skipped", "interrupted"):
        return f"skipped: {outcome.skipped}" if outcome.result == "skipped" else "interrupted"
    reading = outcome.reading
    if reading is None:
        return outcome.result
    reason = f" ({reading.reason})" if reading.reason else ""
    verified = f", verification: {outcome.verification}" if outcome.verification else ""
    requests = "1 request" if outcome.requests == 1 else f"{outcome.requests} requests"
    return (
        f"{reading.nodes} nodes, {READ[reading.mode]}{reason}{verified}, {requests}, {outcome.seconds:.2f} s"
    )


def describe_run(outcomes: Sequence[Outcome], seconds: float, *, always: bool = False) -> str:
    """Return a line with the number of servers per result and per mode.

    With `always`, every failure was reported.
    """
    results = Counter(outcome.result for outcome in outcomes)
    modes = Counter(outcome.reading.mode for outcome in outcomes if outcome.reading)
    how = ", ".join(f"{modes[mode]} {words}" for mode, words in MODES.items() if modes[mode])
    counts = ", ".join(f"{results[result]} {result}" for result in RESULTS if results[result])
    withheld = sum(outcome.told == "withheld" for outcome in outcomes)
    advice = f"; {withheld} not reported again, see -v" if withheld and not always else ""
    return f"{counts} in {seconds:.2f} s{f' ({how})' if how else ''}{advice}"
