"""A store's URL without its password."""

from __future__ import annotations

import re

from watchman_cli.text import printable


def redact(url: str) -> str:
    """Return a store's URL without its user, password and query, to be shown.

    If some part may be a password in the wrong place, only the scheme is shown.
    """
    scheme, _, rest = url.partition("://")
    shown, _, query = rest.partition("?")
    shown = shown.rpartition("@")[2]
    hosts = shown.partition("/")[0].split(",")
    sane = all(re.fullmatch(r"([\w.-]*|\[[\da-fA-F:.]+\])(:\d+)?", host) for host in hosts)
    return f"{scheme}://{printable(shown) if sane and '@' not in query else '...'}"
