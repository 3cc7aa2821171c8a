"""The texts that ecFlow writes raw in a definition: a job's id, which is in its node's line, and expressions.

Each may look like the rest of the text, and may have several lines (spanning.py).
"""

import re
from typing import NamedTuple

from .errors import NotUnderstood

NEW_LINE = "\n"
STATE = " state:"
PASSWORD = " passwd:"  # nosec B105 # a word before one
OPERATORS = ("and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "AND", "OR")
# What the server writes behind a job's id, from the right, and no more to the line's end.
_BEHIND = tuple(
    (name, re.compile(rf"{name}:{value}", re.ASCII))
    for name, value in (
        ("rt", r"\S+"), ("suspended", "1"), ("flag", r"\S+"), ("dur", r"\S+"), ("state", "[a-z]+"),
        ("try", r"\d+"),
    )
)  # fmt: skip
_RAW = re.compile(r" (?:passwd|rid):")
# The beginning of a line that goes on with an expression; `generic NAME` is an attribute.
GOES_ON = r" *(?:[^A-Za-z0-9_ #]|and|or|AND|OR|eq|ne|lt|le|gt|ge(?!neric \w))"
EXPRESSION = r"(?:trigger|complete)\b"
# One that may go on: its last token needs an operand, or the next line begins with an operator.
MAY_GO_ON = (
    rf"{EXPRESSION}[^\n]*\n(?:(?<=[^\w.)]\n)"
    + "".join(rf"|(?<={word}\n)" for word in OPERATORS)
    + rf"|{GOES_ON})"
)


class Tail(NamedTuple):
    """The end of a node's line: tokens that the server wrote, and a text that anybody may have written.

    `text` begins with `passwd:` or `rid:`; it is empty if the line has neither. `behind` has the names of the
    tokens after it.
    """

    tokens: str
    text: str
    behind: frozenset[str]

    @property
    def is_unfinished(self) -> bool:
        """Return whether the job's id must go on in the next line."""
        return (
            not self.behind & {"try", "state"}
            and STATE not in self.tokens
            and (self.text.startswith("rid:") or " rid:" in self.text)
        )

    @property
    def texts(self) -> dict[str, str]:
        """Return the text by its name: the job's password and its id."""
        first, _, second = self.text.partition(" rid:")
        found = dict([first.split(":", 1)]) if first else {}
        return {**found, "rid": second} if second else found


def split_tail(tail: str) -> Tail:
    """Return the end of a node's line, in parts, without an abort's reason. Raises NotUnderstood."""
    tail = _without_reason(tail)
    start = _RAW.search(tail)
    if start is None:
        return Tail(tail, "", frozenset())
    end, behind = tokens_behind(tail, start.end())
    return Tail(f"{tail[: start.start()]}{tail[end:]}", tail[start.start() + 1 : end].rstrip(), behind)


def tokens_behind(text: str, start: int = 0) -> tuple[int, frozenset[str]]:
    """Return where the tokens that the server wrote last begin, and their names."""
    found = set()
    end = len(text)
    for name, pattern in _BEHIND:
        space = text.rfind(" ", start, end)
        if space >= 0 and pattern.fullmatch(text, space + 1, end):
            found.add(name)
            end = space
    return end, frozenset(found)


def _without_reason(tail: str) -> str:
    """Return the end of a node's line without an abort's reason, which may look like the rest of it.

    Raises NotUnderstood if the reason has no end.
    """
    start, end = tail.find("abort<:"), tail.rfind(">abort")
    if 0 <= start < end:
        return tail[:start] + tail[end + len(">abort") :]
    if start >= 0 and " rid:" not in tail[:start]:  # in a job's id it is any text
        raise NotUnderstood("the server's definition is not whole")
    return tail
