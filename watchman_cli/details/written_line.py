"""A line of a definition's text, written from the fields of an attribute in an incremental answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Fields = Mapping[str, Any]


class Written(NamedTuple):
    """An attribute's line, the word it begins with, and what tells it from the node's others.

    `name` is a variable's or a repeat's, which may be a secret. A key that ends with ` #` is of the end of
    a line alone. An empty line says that the attribute is gone.
    """

    keyword: str
    key: str
    line: str
    name: str = ""


def escaped(text: str) -> str:
    """Return a text as it stands in a line."""
    return text.replace("\n", "\\n")


def with_state(line: str, *state: str) -> str:
    """Return a line with its state, if it has one."""
    words = " ".join(word for word in state if word)
    return f"{line} # {words}" if words else line


def one_line(text: str) -> str:
    """Return an expression or a job's id in one line, as the reader of a definition makes it."""
    return text.replace("\n", " ")
