"""A definition's text, cut into what stands there of the server and of each family's nodes.

The text is that of definition.py, in which each attribute is one line, with a character for each byte.
"""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from .errors import TreeUnproved
from .raw_texts import NEW_LINE, PASSWORD, split_tail

# Tasks are not looked for: between two of these lines there are only tasks of one family, if there are any.
_CONTAINERS = re.compile(
    r"\n(?=[ fsae])(?!ed|ev) *(?=(family|suite|alias) (\w[\w.-]*)|end(suite|family|task|alias)(?![^\n]))",
    re.ASCII,
)
_TASK = re.compile(r"\n *task (\w[\w.-]*)", re.ASCII)
_WITH_PASSWORD = re.compile(r"^ *(?:task|alias) .* passwd:.*$", re.MULTILINE)

_END = NEW_LINE + "# enddef"
_NESTING = "the server's definition is not well nested"


class Lines(NamedTuple):
    """The lines of a definition, with a character for each byte: `readable` returns the text.

    `server` has those before the first suite. `families` has those of the nodes right below each node, by its
    path and a slash, in pieces: each node's own line before those of its attributes. Passwords of jobs are
    among them. `text` has everything.
    """

    server: str
    families: dict[str, list[str]]
    text: str


def cut_lines(text: str) -> Lines:
    """Return the lines of a definition that was parsed. Raises TreeUnproved if they do not fit together."""
    families: dict[str, list[str]] = {"/": []}
    above: list[tuple[str, list[str]]] = []
    path, here = "/", families["/"]
    last = text.rfind(_END)
    found = list(_CONTAINERS.finditer(text, 0, last))
    starts = [match.start() for match in found]
    try:
        for match, stop in zip(found, [*starts[1:], last], strict=False):
            start, closed = match.end(), match[3]
            if closed:
                if closed == "family" or closed == "suite":
                    path, here = above.pop()
                start += len("end") + len(closed) + len(NEW_LINE)
                if start < stop:
                    here.append(text[start:stop])
            elif match[1] == "alias":
                task = _TASK.findall(NEW_LINE + NEW_LINE.join(here))[-1]
                families.setdefault(f"{path}{task}/", []).append(text[start:stop])
            else:
                first = _TASK.search(text, start, stop)
                own_stop = first.start() if first else stop
                here.append(text[start:own_stop])
                above.append((path, here))
                path = f"{path}{match[2]}/"
                here = families[path] = [text[own_stop + len(NEW_LINE) : stop]] if first else []
    except (IndexError, ValueError) as error:
        raise TreeUnproved(_NESTING) from error
    if above:
        raise TreeUnproved(_NESTING)
    server = text[: starts[0]] if starts else text[:last]
    return Lines(server, families, text)


def without_passwords(lines: str) -> str:
    """Return lines without the jobs' passwords, which may be any text."""
    return _WITH_PASSWORD.sub(_without_password, lines) if PASSWORD in lines else lines


def _without_password(match: re.Match[str]) -> str:
    head, _, tail = match[0].partition(" #")
    tail = " #" + tail
    found = split_tail(tail)
    if "passwd" in found.texts:
        kept = f" rid:{found.texts['rid']}" if "rid" in found.texts else ""
        tail = tail.replace(" " + found.text, kept, 1)
    return f"{head}{tail}"


def readable(lines: str) -> str:
    """Return lines in which each character is a byte, as text."""
    return lines if lines.isascii() else decode(lines.encode("latin-1"))


def decode(data: bytes) -> str:
    """Return bytes as text: ecFlow takes any in a label or a variable, and sends them back as they are."""
    return data.decode("utf-8", _AS_LATIN_1)


def _as_latin_1(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("latin-1"), error.end


_AS_LATIN_1 = "as-latin-1"
codecs.register_error(_AS_LATIN_1, _as_latin_1)
