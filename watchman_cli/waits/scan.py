"""Scan the text of an expression: tokens after blanks, brackets, paths, and the first of several attempts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

MAX_DEPTH = 60  # brackets in one another; ecFlow has no limit, and takes quadratic time
NAME = re.compile(r"[A-Za-z0-9_][\w.]*", re.ASCII)
_BLANKS = re.compile(r"\s*", re.ASCII)
_STEP = re.compile(r"/+(?=[A-Za-z0-9_])", re.ASCII)  # between two names; ecFlow allows no blanks in a path
_PATH_START = re.compile(r"/?[A-Za-z0-9_][\w.]*|\.\.(?:/+\.\.)*(?=/)|\.(?=/)", re.ASCII)


class Unreadable(ValueError):
    """A text that ecFlow cannot read as an expression; says why."""


class TooLarge(Unreadable):
    """An expression that is not evaluated here, and may be one of ecFlow's; says why."""


class Scanner:
    """Reads a text from `at` on; a method that finds nothing there returns None, and takes nothing."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._depth = 0
        self.at = 0
        self.furthest = 0  # the position after the last token that matched

    def skip(self) -> None:
        """Pass over blanks."""
        match = _BLANKS.match(self._text, self.at)
        assert match
        self.at = match.end()

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Return the match after blanks, and pass over it."""
        before = self.at
        self.skip()
        match = pattern.match(self._text, self.at)
        self.at = before if match is None else match.end()
        self.furthest = max(self.furthest, self.at)
        return match

    def taken(self, sign: str) -> bool:
        """Return whether a sign stands after blanks, and pass over it."""
        return self.take(re.compile(re.escape(sign))) is not None

    def since(self, start: int) -> str:
        """Return the text since a position."""
        return self._text[start : self.at].strip()

    def first(self, *attempts: Callable[[], object]) -> Any:
        """Return the first match of several, each tried from here."""
        before = self.at
        for attempt in attempts:
            found = attempt()
            if found is not None:
                return found
            self.at = before
        return None

    def deeper(self, inside: Callable[[], T | None]) -> T | None:
        """Return the part between brackets. Raises TooLarge if too many are open."""
        if not self.taken("("):
            return None
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise TooLarge(f"it has more than {MAX_DEPTH} brackets in one another")
        found = inside()
        self._depth -= 1
        return found if found is not None and self.taken(")") else None

    def path(self) -> str | None:
        """Return a path with single slashes: absolute, `x` or `x/y`, `../x`, `./x`."""
        before = self.at
        match = self.take(_PATH_START)
        if match is None:
            return None
        parts = [re.sub("/+", "/", match[0])]
        while step := _STEP.match(self._text, self.at):
            name = NAME.match(self._text, step.end())
            assert name
            self.at = name.end()
            self.furthest = max(self.furthest, self.at)
            parts.append(name[0])
        if len(parts) == 1 and match[0].startswith("."):
            self.at = before
            return None
        return "/".join(parts)
