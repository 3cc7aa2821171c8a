"""A line of a definition's text, written from the fields of an attribute in an incremental answer."""

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
