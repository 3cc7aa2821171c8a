"""A store's URL is shown without anything that may be a password."""

from __future__ import annotations

import pytest

from watchman_cli.store.redact import redact


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://h", "redis://h"),
        ("redis://h:6379/0", "redis://h:6379/0"),
        ("redis://login-1.example.org:1/2", "redis://login-1.example.org:1/2"),
        ("redis://user:s3cret@h:1/0", "redis://h:1/0"),
        ("redis://:s3cret@h", "redis://h"),
        ("redis://u:s3@cret@h/0", "redis://h/0"),
        ("redis://h/0?db=1&password=s3cret", "redis://h/0"),
        ("redis://[::1]:1/0", "redis://[::1]:1/0"),
        ("redis+sentinel://u:s3cret@a:1,b,[::2]:3/m", "redis+sentinel://a:1,b,[::2]:3/m"),
        ("unix://:s3cret@/run/r.sock?db=2", "unix:///run/r.sock"),
        ("redis://h/\x1b[31m", "redis://h/?[31m"),
        # A password in the wrong place, or with characters that must be encoded.
        ("redis://u:s3cret", "redis://..."),
        ("redis://u:s3/cret@h", "redis://h"),
        ("redis://u:s3cret?x@h/0", "redis://..."),
        ("redis://u:s3cret/", "redis://..."),
        ("redis://h,u:s3cret/m", "redis://..."),
        ("redis://h?password=a@b", "redis://..."),
        ("redis://s3cret!", "redis://..."),
        ("redis://[::1]x", "redis://..."),
    ],
)
def test_url_without_its_secrets(url: str, shown: str) -> None:
    assert redact(url) == shown


def test_text_without_a_scheme_is_not_shown_as_a_host() -> None:
    assert redact("s3cret") == "s3cret://"
