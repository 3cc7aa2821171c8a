"""The address of a server: its URL, its defaults, and its password, which is never shown."""

from __future__ import annotations

import pytest

from watchman_cli.ecflow_client import Access


@pytest.mark.parametrize("protocol", ["tcp", "ssl", "http", "https"])
def test_url_names_protocol_host_and_port(protocol: str) -> None:
    assert Access("login01", 3141, protocol).url == f"{protocol}://login01:3141"


def test_defaults_are_those_of_a_plain_server() -> None:
    access = Access("login01", 3141)
    assert access == Access("login01", 3141, "tcp", None, None, None, None)
    assert access.url == "tcp://login01:3141"


def test_password_is_not_shown() -> None:
    shown = repr(Access("h", 1, user="fred", password="s3cret", tokens="/t"))
    assert "s3cret" not in shown and "password" not in shown
    assert "user='fred'" in shown and "tokens='/t'" in shown
