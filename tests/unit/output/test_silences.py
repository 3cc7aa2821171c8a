"""Silences as a table and as JSON, and in the rows of `list`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

from tests.support.stored_servers import IDLE, NOW, status
from watchman_cli.output import table
from watchman_cli.output.silences import as_document, render, silences_in_words
from watchman_cli.silences import Silence

UNTIL = datetime(2026, 11, 24, 8, tzinfo=timezone.utc)
STORED = Silence("o/r", UNTIL, "/s", None, "ops@login01", "new\x1bdisks")
PLANNED = Silence("met/*", UNTIL, start=UNTIL - timedelta(hours=2), because="upgrade")


def test_table() -> None:
    assert render([STORED, PLANNED]).splitlines() == [
        "server  path  until                                         who                because",
        "o/r     /s    2026-11-24 08:00 UTC                          ops@login01        new?disks",
        "met/*   /     2026-11-24 06:00 UTC to 2026-11-24 08:00 UTC  the configuration  upgrade",
    ]


def test_json() -> None:
    assert as_document(PLANNED) == {
        "server": "met/*",
        "path": "/",
        "from": "2026-11-24T06:00:00+00:00",
        "until": "2026-11-24T08:00:00+00:00",
        "who": "the configuration",
        "because": "upgrade",
    }
    assert as_document(STORED)["from"] is None


def test_row_of_a_silenced_server() -> None:
    running = Silence("o/r", NOW + timedelta(hours=1), "/s", None, "ops@login01", "tests")
    stored = replace(status(IDLE), silences=(running, running._replace(server="x/y")))
    (words,) = silences_in_words(stored)
    assert words.startswith("/s silenced until 20") and words.endswith(" UTC by ops@login01: tests")
    assert table.as_json(stored)["health"] == f"ok, {words}"
    assert table.as_json(stored)["state"] == "OK"
    assert words in table.render([stored], colour=False, width=None)
