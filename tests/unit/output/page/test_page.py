"""The page as a whole: its servers, its nodes, and the data for its script."""

from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import replace
from typing import Any

from tests.support.stored_servers import FAILING, IDLE, NOW, SUITE, status
from watchman_cli.output.page import NODES_SHOWN, render
from watchman_cli.readback import StoredServer
from watchman_cli.snapshot import StatusRecord
from watchman_cli.status import NodeStatus


def named(name: str, stored: StoredServer) -> StoredServer:
    return replace(stored, server=name)


def data_of(page: str) -> dict[str, Any]:
    (encoded,) = re.findall(r'id="data">([^<]*)<', page)
    document: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(encoded)))
    return document


def test_worst_server_is_first_and_in_the_title() -> None:
    page = render([named("o/well", status(IDLE)), named("o/bad", status(SUITE))], NOW)
    assert "<title>CRITICAL: 2 ecFlow servers - watchman</title>" in page
    cards = page[page.index('class="servers"') : page.index('aria-labelledby="nodes"')]
    assert cards.index("o/bad") < cards.index("o/well")
    assert "Every server is OK." in render([status(IDLE)], NOW)


def test_data_has_every_node() -> None:
    data = data_of(render([named("o/r", status(SUITE)), named("o/none", status(None, health=FAILING))], NOW))
    assert data["words"] == [each.value for each in NodeStatus]
    assert data["names"][:5] == ["o/r", "s", "f", "t", "waits"]
    assert data["depths"] == [0, 1, 2, 3, 3, 2, 3, 3, 2, 3]
    assert "".join(data["words"][int(code)][0] for code in data["statuses"]) == "aaaaqaaaqq"
    assert data["flags"] == {"3": ["task_aborted"], "6": ["late"]}
    assert data["since"]["6"] == 7800 and "0" not in data["since"]
    assert data["shown"] == list(range(9))  # the queued node below a queued family is folded


def test_future_since_lasts_no_time() -> None:
    records = [*IDLE, StatusRecord("/s/t", "active", "2026-11-24T12:11:00+00:00")]
    assert data_of(render([status(records)], NOW))["since"] == {"2": 0}


def test_only_the_first_nodes_are_shown_without_script() -> None:
    records = [*IDLE, *(StatusRecord(f"/s/t{n}", "aborted") for n in range(2 * NODES_SHOWN))]
    page = render([status(records)], NOW)
    assert len(data_of(page)["shown"]) == NODES_SHOWN
    assert f"1,001 nodes, {NODES_SHOWN - 1} shown" in page
