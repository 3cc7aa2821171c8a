"""The runbook's entries: one for each message, from the fault rows and runbook.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.faults.case import FaultCase, message_anchor
from tests.faults.rows import FOUND_IN, listed

ADVICE = Path(__file__).with_name("runbook.yaml")


class Entry(NamedTuple):
    """A message, and what an operator does about it.

    `means` has a sentence for each failure that has the message, with a link if it is a fault row. `errors`
    are the names of the exceptions of ecflow_client that have it, and `kinds` those of the health record.
    """

    message: str
    group: str
    found_in: tuple[str, ...]
    codes: tuple[int, ...]
    kinds: tuple[str, ...]
    means: tuple[str, ...]
    do: str
    errors: tuple[str, ...] = ()

    @property
    def anchor(self) -> str:
        return message_anchor(self.message)


@cache
def entries() -> tuple[Entry, ...]:
    """Return all entries: first those of the fault rows. Raises KeyError if a row's message has no advice."""
    advice = yaml.safe_load(ADVICE.read_text())
    do = {each["message"]: each["do"] for each in advice["rows"]}
    rows: dict[str, list[tuple[str, FaultCase]]] = {}
    for group, row in listed():
        if row.expected_message:
            rows.setdefault(row.expected_message, []).append((group, row))
    if stale := do.keys() - rows.keys():
        raise KeyError(f"runbook.yaml: no fault row has the message {sorted(stale)}")
    return (
        *(_of_rows(message, found, do[message]) for message, found in rows.items()),
        *(_of_others(each) for each in advice["more"]),
    )


def _of_rows(message: str, rows: list[tuple[str, FaultCase]], do: str) -> Entry:
    return Entry(
        message,
        rows[0][0],
        _unique(FOUND_IN[row.where] for _, row in rows),
        _unique(row.code for _, row in rows),
        _unique(row.kind for _, row in rows if row.kind),
        tuple(f"{row.happens} ([failure](failures.md#{row.anchor(group)}))." for group, row in rows),
        do,
    )


def _of_others(entry: dict[str, Any]) -> Entry:
    return Entry(
        entry["message"],
        entry["group"],
        (FOUND_IN[entry.get("where", "error")],),
        (entry.get("code", 1),),
        (entry["kind"],) if "kind" in entry else (),
        (entry["means"],),
        entry["do"],
        tuple(entry.get("errors", ())),
    )


def _unique(values: Iterator[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(values))


def render(group: str) -> str:
    """Return the entries of a group as the documentation has them, by the message."""
    chosen = [entry for entry in entries() if entry.group == group]
    chosen.sort(key=lambda entry: re.sub(r"[^a-z0-9 ]", "", entry.message.lower()))
    return "\n\n".join(_lines(entry) for entry in chosen)


def _lines(entry: Entry) -> str:
    message = entry.message.strip()
    code = f"`` {message} ``" if "`" in message else f"`{message}`"
    facts = [" or ".join(entry.found_in), "exit code " + " or ".join(map(str, entry.codes))]
    if entry.kinds:
        facts.append("kind " + ", ".join(f"`{kind}`" for kind in entry.kinds))
    place = "; ".join(facts)
    means = (
        entry.means[0] if len(entry.means) == 1 else "\n" + "\n".join(f"    - {each}" for each in entry.means)
    )
    return "\n".join(
        (
            f"### {code}",
            "",
            f'<a id="{entry.anchor}"></a>',
            f"{place[0].upper()}{place[1:]}.",
            "",
            f"- **It means:** {means}".replace(" \n", "\n"),
            f"- **Do:** {entry.do}",
        )
    )
