"""A detail: one more thing that is kept of a node besides its state."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Detail(NamedTuple):
    """How the server sends a detail of a node, in a definition's text and in a change.

    `name` is its key in a snapshot's records. In the text it is a token `token:value` of the node's line,
    and in a change a memento of the type `memento`. Both functions return the detail's value, which is
    of JSON's types and hashable, or None.

    `method` is a node's method in the ecFlow bindings, which the referee calls. `read_method` returns the
    detail's value from the result, which is a string if JSON does not have its type. A detail without a
    method is not verified.
    """

    name: str
    token: str
    read_token: Callable[[str], Any]
    memento: str
    read_memento: Callable[[Mapping[str, Any]], Any]
    method: str | None = None
    read_method: Callable[[Any], Any] = lambda value: value or None
