"""The receivers that fail: a failure is reported once as it begins, and once as it ends."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import orjson


class ReceiverFailure(NamedTuple):
    """A receiver that failed in some runs, since the time of the first one, ISO 8601."""

    since: str
    runs: int
    why: str


Failures = Mapping[str, ReceiverFailure]  # by the receiver's name in messages


def decode(value: bytes | None) -> Failures:
    """Return the failures in a store's value; those that are invalid are left out."""
    try:
        document = orjson.loads(value or b"{}")
    except orjson.JSONDecodeError:
        return {}
    found = {}
    for name, each in document.items() if isinstance(document, dict) else ():
        if isinstance(each, dict):
            failure = ReceiverFailure(each.get("since"), each.get("runs"), each.get("why"))  # type: ignore[arg-type]
            if all(isinstance(part, kind) for part, kind in zip(failure, (str, int, str), strict=True)):
                found[name] = failure
    return found


def encode(failures: Failures) -> bytes:
    """Return the failures as the store has them."""
    document: dict[str, Any] = {name: each._asdict() for name, each in failures.items()}
    return orjson.dumps(document)


def after_run(
    failures: Failures, results: Mapping[str, str | None], configured: Collection[str], time: str
) -> tuple[Failures, list[str]]:
    """Return the failures after a run at `time`, ISO 8601, and the lines to report.

    `results` has the reason, or None for a success, of each receiver that the run tried. A receiver that is
    no longer configured is forgotten.
    """
    new = {name: each for name, each in failures.items() if name in configured}
    lines = []
    for name, why in results.items():
        failure = failures.get(name)
        if why is not None:
            since, runs = (failure.since, failure.runs) if failure else (time, 0)
            new[name] = ReceiverFailure(since, runs + 1, why)
            if failure is None:
                lines.append(f"notify: {name}: {why}; each run tries again")
        elif failure is not None:
            del new[name]
            many = f"{failure.runs} failed run{'' if failure.runs == 1 else 's'}"
            since = failure.since[:19].replace("T", " ")
            lines.append(f"notify: {name}: recovered after {many}, since {since} UTC ({failure.why})")
    return new, lines
