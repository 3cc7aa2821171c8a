"""Definitions and incremental answers as a server sends them, through the reader of the protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.unit.ecflow_client import replies
from watchman_cli.details.changed import changed_parts, encode, merged
from watchman_cli.details.fields import Base, make_base
from watchman_cli.details.policy import Policy
from watchman_cli.details.stored import StoredDetails
from watchman_cli.details.tree import StoredTree
from watchman_cli.ecflow_client import Definition, Mementos
from watchman_cli.ecflow_client.changes import parse_changes
from watchman_cli.ecflow_client.replies import decode_reply

ALL = Policy()


def definition(*lines: str, **head: str) -> Definition:
    """Return the definition of these lines, read with them."""
    body = replies.reply(replies.full(replies.definition(*lines, **head)))
    found = decode_reply(body, "u", with_lines=True).definition
    assert found is not None
    return found


def base_of(*lines: str, policy: Policy = ALL) -> Base:
    return make_base(definition(*lines), policy)


def mementos(path: str, *found: tuple[str, Mapping[str, Any]], clear: bool = False) -> tuple[Mementos, ...]:
    """Return what an incremental answer brings of one node."""
    pairs = [replies.memento(name, **fields) for name, fields in found]
    if clear:
        pairs.append(replies.memento("FlagMemento", flag_={}))
    return tuple(parse_changes(replies.delta((path, pairs), clear=clear), with_mementos=True).mementos)


class Kept:
    """A store of one server's details, in memory."""

    def __init__(self, base: Base, policy: Policy = ALL) -> None:
        self.base, self.policy = base, policy
        self.parts: dict[str, dict[str, str]] = {}
        self.hidden = set(base.hidden_repeats)
        self.reads: list[tuple[Sequence[str] | None, Sequence[str] | None]] = []
        self.stamp = "r t1"

    def change(self, *found: tuple[Mementos, ...]) -> None:
        """Put in what an incremental answer brings."""
        changed = changed_parts([each for some in found for each in some], self.policy, self.hidden)
        self.hidden = changed.hidden_repeats
        self.stamp += "+" if changed.nodes else ""
        for path, parts in changed.nodes.items():
            self.parts[path] = merged(self.parts[path], parts) if path in self.parts else parts

    def read(self, parents: Sequence[str] | None, paths: Sequence[str] | None) -> StoredDetails:
        self.reads.append((parents, paths))
        fields, changed = self.base.fields, {path: encode(parts) for path, parts in self.parts.items()}
        return StoredDetails(
            self.stamp, "r t1", self.stamp if self.parts else "",
            {name: fields[name] for name in (fields if parents is None else parents) if name in fields},
            {path: changed[path] for path in (changed if paths is None else paths) if path in changed},
        )  # fmt: skip

    def tree(self) -> StoredTree:
        return StoredTree(self.read, self.stamp)
