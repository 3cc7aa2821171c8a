"""A server's causes as alerts of Alertmanager's API, and the pieces in which they are posted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from watchman_cli.causes.model import Cause, Kind, Notices
from watchman_cli.causes.notices import ENDED_KEPT
from watchman_cli.snapshot import parse_time

LASTS = timedelta(hours=1)  # a cause that no run posts again ends after that
PIECE = 100  # alerts to post together; Alertmanager takes long and much memory for thousands


class AlertKey(NamedTuple):
    """An alert's identity: its server, and the cause's identity."""

    server: str
    cause: tuple[Kind, str]


def split_alerts(servers: Mapping[str, Notices], now: datetime) -> tuple[list[AlertKey], list[AlertKey]]:
    """Return the alerts of causes that ended or were told lately, and those of all others."""
    recent: list[AlertKey] = []
    others: list[AlertKey] = []
    for server, notices in servers.items():
        recent += [AlertKey(server, each.cause.key) for each in notices.ended]
        for known in notices.told:
            is_new = known.told is not None and abs(now - parse_time(known.told)) < ENDED_KEPT
            (recent if is_new else others).append(AlertKey(server, known.cause.key))
    return recent, others


def pieces_of(keys: Sequence[AlertKey]) -> Iterator[Sequence[AlertKey]]:
    """Yield the alerts in pieces that are posted one after the other."""
    for start in range(0, len(keys), PIECE):
        yield keys[start : start + PIECE]


def make_alerts(
    keys: Iterable[AlertKey], servers: Mapping[str, Notices], now: datetime
) -> list[dict[str, Any]]:
    """Return the alerts as Alertmanager takes them, by the notices that the store has at `now`.

    An alert whose cause is neither told nor lately ended is left out.
    """
    begun = {
        AlertKey(server, each.cause.key): (each.cause, each.seen)
        for server, notices in servers.items()
        for each in notices.told
    }
    over = {
        AlertKey(server, each.cause.key): each
        for server, notices in servers.items()
        for each in notices.ended
    }
    alerts = []
    for key in keys:
        if key in begun:
            cause, seen = begun[key]
            alerts.append(_alert(key.server, cause, seen, now + LASTS))
        elif key in over:
            ended = over[key]
            alerts.append(_alert(key.server, ended.cause, ended.seen, parse_time(ended.until)))
    return alerts


def _alert(server: str, cause: Cause, seen: str, end: datetime) -> dict[str, Any]:
    """Return an alert; the clocks of two hosts may differ, and an end before the start is refused."""
    start = parse_time(seen)
    annotations = {"summary": f"{server}: {cause.words}", "since": cause.since, "reason": cause.text}
    return {
        "labels": {
            "alertname": "EcflowCause",
            "server": server,
            "kind": cause.kind,
            "cause": cause.name,
        },
        "annotations": {name: value for name, value in annotations.items() if value},
        "startsAt": start.isoformat(),
        "endsAt": max(end, start + timedelta(seconds=1)).isoformat(),
    }
