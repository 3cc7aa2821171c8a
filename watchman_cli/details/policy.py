"""Which of a server's details are kept, and which parts are masked before that."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from functools import cached_property

HIDDEN = "***"  # the value of a variable that is a secret
# If a name is added, raise FORMAT of sync/cache.py: then no details stay that were masked without it.
SECRET_NAMES = ("PASS", "TOKEN", "SECRET", "KEY", "CREDENTIAL")
# What the lines of each kind begin with.
KINDS: Mapping[str, tuple[str, ...]] = {
    "variables": ("edit",),
    "labels": ("label",),
    "meters": ("meter",),
    "events": ("event",),
    "limits": ("limit",),
    "inlimits": ("inlimit",),
    "repeats": ("repeat",),
    "triggers": ("trigger", "complete"),
    "times": ("time", "today", "cron", "date", "day"),
    "late": ("late",),
    "queues": ("queue",),
    "zombies": ("zombie",),
    "job": (),
}
ALWAYS = ("suite", "family", "task", "alias", "calendar", "clock", "endclock", "defstatus", "defs_state")
# Patterns are compiled when they are needed: most runs need none.
_JOB_LINE = r"(?m)^ *(?:task|alias) .*(?: rid:| abort<:).*$"
_VARIABLE = r"(?m)^( *edit +(\S+)) .*?( # server)?$"
_REPEAT = r"(?m)^( *repeat) +\S+ +(\S+)(?: .*)?$"
# What stands before the name of one, and what may be the name, in a text with a character for each byte:
# there a part of a letter may look like a space.
_BEFORE_NAMES = r"edit +", r"repeat +[^ \n]+ +"
_NAME = r"([^ \n]+)"
SAMPLE = 1 << 18  # characters of a text in which its usual names are looked for
USUAL = 8  # names that a search passes over: with more, it takes longer
JOB_TOKENS = ("rid", "abort")


class Policy:
    """The details to keep: lines of these kinds, or all lines without a kind; and the secret names.

    A name is secret if one of SECRET_NAMES or of `secret_names` is a part of it, in any case.
    """

    def __init__(self, kinds: Collection[str] = (), secret_names: Collection[str] = ()) -> None:
        self.kinds = frozenset(kinds)
        parts = {name.casefold() for name in (*SECRET_NAMES, *secret_names) if name}
        self._parts = tuple(sorted(parts))
        self._keywords = frozenset(word for kind in self.kinds for word in KINDS[kind]) | set(ALWAYS)

    def keeps(self, keyword: str) -> bool:
        """Return whether lines that begin with this word are kept."""
        return not self.kinds or keyword in self._keywords

    @property
    def keeps_jobs(self) -> bool:
        """Whether a job's id and the reason of its abort are kept."""
        return not self.kinds or "job" in self.kinds

    def is_secret(self, name: str) -> bool:
        """Return whether a variable of this name is masked."""
        name = name.casefold()
        return any(part in name for part in self._parts)

    def may_change(self, text: str, start: int) -> Callable[[str], bool]:
        """Return a function that says whether some of a text's lines may have to be changed to be kept.

        The text is as the server sent it, with a character for each byte, and is looked at from `start` on.
        The lines are readable, and have no password of a job.
        """
        if self.kinds:
            return lambda lines: True
        from watchman_cli.ecflow_client.lines import readable  # changes do not need it

        folded = [readable(name).casefold() for name in _names_in(text, start)]
        parts = [part for part in self._parts if any(part in name for name in folded)]
        if not parts:
            return lambda lines: False

        def has_part(lines: str) -> bool:
            folded = _fold(lines)
            return any(part in folded for part in parts)

        return has_part

    def kept(self, lines: str) -> str:
        """Return those of the lines that are kept, with the secrets masked."""
        if self.kinds:
            lines = self._others.sub("", lines)
            if not self.keeps_jobs:
                lines = re.sub(_JOB_LINE, _without_job, lines)
        folded = _fold(lines)
        if any(part in folded for part in self._parts):
            lines = re.sub(_VARIABLE, self._masked_variable, lines)
            lines = re.sub(_REPEAT, self._masked_repeat, lines)
        return lines

    @cached_property
    def _others(self) -> re.Pattern[str]:
        """Lines that are not kept; the first one, which is a node's or the server's, always is."""
        words = "|".join(sorted(self._keywords))
        return re.compile(rf"\n(?! *(?:{words})\b)[^\n]*")

    def _masked_variable(self, match: re.Match[str]) -> str:
        return f"{match[1]} '{HIDDEN}'{match[3] or ''}" if self.is_secret(match[2]) else match[0]

    def _masked_repeat(self, match: re.Match[str]) -> str:
        return f"{match[1]} {masked_repeat(match[2])}" if self.is_secret(match[2]) else match[0]


def _names_in(text: str, start: int) -> set[str]:
    """Return what may be the name of a variable or a repeat in a text, from `start` on.

    Most nodes of a large text have the same few variables. The search passes over those that a sample has
    most often: it takes a third of the time.
    """
    names: set[str] = set()
    end = text.find("\n", start + SAMPLE)
    for before in _BEFORE_NAMES:
        found = re.compile(before + _NAME)
        if end < 0:
            names.update(found.findall(text, start))
            continue
        sample = Counter(found.findall(text, start, end))
        usual = "|".join(re.escape(name) for name, _ in sample.most_common(USUAL))
        others = re.compile(rf"{before}(?!(?:{usual})[ \n]){_NAME}")
        names.update(sample, others.findall(text, end))
    return names


def _fold(lines: str) -> str:
    return lines.lower() if lines.isascii() else lines.casefold()


def masked_repeat(name: str) -> str:
    """Return the kept part of a secret repeat's line, after the word `repeat`."""
    return f'string {name} "{HIDDEN}"'


def _without_job(match: re.Match[str]) -> str:
    """Return a node's line without what its job said."""
    from watchman_cli.ecflow_client.raw_texts import split_tail

    head, _, tail = match[0].partition(" #")
    tokens = split_tail(f" #{tail}").tokens
    return head + ("" if tokens.strip() == "#" else tokens)
