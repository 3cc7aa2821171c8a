"""A node as its lines say it: what it is, its state, its attributes; and the server around it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Protocol

from watchman_cli.details.attributes import (
    Attribute,
    Calendar,
    Condition,
    Variable,
)
from watchman_cli.details.parse import parse_attributes, unescaped
from watchman_cli.ecflow_client.raw_texts import Tail, split_tail

NodeType = Literal["suite", "family", "task", "alias"]

_STATE = re.compile(r"(?:^| )state:([a-z]+)")
_FLAGS = re.compile(r"(?:^| )flag:([a-z_,]+)")
_TRY = re.compile(r"(?:^| )try:(\d+)")
_REASON = re.compile(r"(?:^| )abort<:(.*)>abort", re.S)


@dataclass(frozen=True)
class Node:
    """A node's line, in parts, and the lines of its attributes.

    `tokens` is the text after the name, such as `begun:1 state:aborted flag:late try:2`.
    """

    path: str
    kind: NodeType
    tokens: str = ""
    lines: Sequence[str] = ()

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def parent(self) -> str:
        """The path of the node above, `/` above a suite."""
        return self.path.rpartition("/")[0] or "/"

    @cached_property
    def attributes(self) -> list[Attribute]:
        return parse_attributes(self.lines)

    @cached_property
    def _tail(self) -> Tail:
        """The tokens without free text, which is an abort's reason and a job's id."""
        return split_tail(f" {self.tokens}")

    @property
    def _known_tokens(self) -> str:
        return self._tail.tokens

    @cached_property
    def state(self) -> str:
        """The node's own state; it stays below a suspension."""
        match = _STATE.search(self._known_tokens)
        return match[1] if match else "queued" if self.kind == "alias" else "unknown"

    @cached_property
    def suspended(self) -> bool:
        return " suspended:1" in f" {self._known_tokens}"

    @property
    def status(self) -> str:
        """The state as a snapshot shows it."""
        return "suspended" if self.suspended else self.state

    @cached_property
    def flags(self) -> tuple[str, ...]:
        match = _FLAGS.search(self._known_tokens)
        return tuple(match[1].split(",")) if match else ()

    @cached_property
    def try_number(self) -> int:
        match = _TRY.search(self._known_tokens)
        return int(match[1]) if match else 0

    @cached_property
    def job_id(self) -> str:
        return self._tail.texts.get("rid", "")

    @cached_property
    def reason(self) -> str:
        """Why the job aborted, as it said itself; empty if it did not."""
        match = _REASON.search(self.tokens)
        return unescaped(match[1]) if match else ""

    @cached_property
    def calendar(self) -> Calendar | None:
        """A suite's calendar."""
        return next((each for each in self.attributes if isinstance(each, Calendar)), None)

    def conditions(self, kind: str) -> list[Condition]:
        """Return the parts of the node's trigger, or of its complete."""
        return [each for each in self.attributes if isinstance(each, Condition) and each.kind == kind]

    @cached_property
    def variables(self) -> Mapping[str, str]:
        """The node's own variables."""
        return {each.name: each.value for each in self.attributes if isinstance(each, Variable)}


@dataclass(frozen=True)
class ServerDetails:
    """What the server has besides its suites. `flags` are those of the definition."""

    state: str
    variables: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()


class Tree(Protocol):
    """Where nodes are looked up, one by one."""

    @property
    def server(self) -> ServerDetails:
        """What the server has besides its suites."""

    def node(self, path: str) -> Node | None:
        """Return the node at an absolute path, or None."""

    def children(self, path: str) -> Sequence[Node]:
        """Return the nodes right below a path, in their order; the suites below `/`."""
