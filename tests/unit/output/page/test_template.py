"""The page's filters, and the hashes of its style and script."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import datetime, timedelta, timezone

import pytest

from tests.support.stored_servers import IDLE, NOW, SUITE, status
from watchman_cli.output.page import render, template
from watchman_cli.snapshot import StatusRecord


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s before this page"), (300, "5 min before this page"), (-1, "in the future")]
)
def test_age_before_the_page(seconds: float, text: str) -> None:
    assert template._before(NOW - timedelta(seconds=seconds), NOW) == text


def test_duration_of_a_status() -> None:
    record = StatusRecord("/s", "active", "2026-11-24T12:00:00+00:00")
    assert template._lasting(record, NOW) == "for 10 min"
    assert template._lasting(StatusRecord("/s", "queued"), NOW) == ""


def test_times_are_utc() -> None:
    paris = datetime(2026, 11, 24, 13, 10, tzinfo=timezone(timedelta(hours=1)))
    assert template._utc(paris) == "2026-11-24 12:10:00 UTC"


def test_policy_has_the_hashes_of_the_style_and_the_script() -> None:
    page = render([status(SUITE), status(IDLE), status(None)], NOW)
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.S)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in page


def test_text_from_outside_is_escaped() -> None:
    flagged = [*IDLE, StatusRecord("/<b>&", "aborted", None, ("<i>",))]
    page = render([status(flagged, server="<script>")], NOW)
    assert "<b>" not in page and "<i>" not in page and "<script></span>" not in page
