"""The causes that one run tells, by two health records."""

from __future__ import annotations

from typing import Any

from watchman_cli.health.record import Health


def new_causes(
    previous: Health, health: Health
) -> tuple[tuple[dict[str, Any], ...], tuple[dict[str, Any], ...]]:
    """Return the causes that are told as beginning and as ended between two records, as events have them."""
    if health.notices is None:
        return (), ()
    from watchman_cli.causes.notices import told_between

    began, ended = told_between(previous.notices, health.notices)
    return tuple(cause.as_json() for cause in began), tuple(each.as_event() for each in ended)
