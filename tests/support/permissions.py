"""The permissions in Redis that the documentation prints, read from it."""

from __future__ import annotations

import re
from pathlib import Path

_DOCS = Path(__file__).parents[2] / "docs"


def documented(pattern: str, page: str = "store.md") -> list[str]:
    """Return permissions of a page, in Redis' ACL language."""
    found = re.search(pattern, (_DOCS / page).read_text(), re.MULTILINE)
    assert found, f"docs/{page} has no {pattern}"
    return found[1].split()


RUN = documented(r"^user watchman on >secret (.*)$")
RUN_CHANGES = documented(r"changes\.md\), these are added: `(.*?)`")
RUN_DETAILS = documented(r"details\.md\), these are added: `(.*?)`")
READER = documented(r"`user dashboard on >secret (.*?)`")
READER_CHANGES = documented(r"needs these in addition: `(.*?)`")
READER_DETAILS = documented(r"A reader of \[details\]\(details\.md\) needs these: `(.*?)`")
SILENCE = documented(r"`watchman silence` needs these: `(.*?)`")
ALL = [*RUN, *RUN_CHANGES, *RUN_DETAILS, *READER, *READER_CHANGES, *READER_DETAILS, *SILENCE]
