"""An attribute knows by which texts it is named."""

from __future__ import annotations

import pytest

from watchman_cli.details.attributes import Event, InLimit


@pytest.mark.parametrize(
    ("name", "called"), [("opened", True), ("3", True), ("03", True), ("4", False), ("", False)]
)
def test_an_events_name_and_number(name: str, called: bool) -> None:
    assert Event(3, "opened", True).is_called(name) is called


def test_a_claims_words() -> None:
    assert [str(InLimit(path, "lim", 1, False)) for path in ("", "/s")] == ["lim", "/s:lim"]
