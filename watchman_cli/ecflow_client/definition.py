"""A definition's text, as a full sync brings it, into nodes and their states.

The text is written line by line in the style NET (libs/node/src/ecflow/node/*.cpp, `print`, `write_state`).
ecFlow escapes a new line in a label or a variable, so that neither can forge a line. Only the lines that
make the tree matter here; all others are attributes. A text of several lines, which ecFlow writes raw, is
joined to one line first (spanning.py): a text is parsed again then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from .errors import NotUnderstood, TreeUnproved
from .node_state import STATES, NodeState, details_of, parse_node_state, state_of_tail
from .numbers import is_number
from .raw_texts import MAY_GO_ON, NEW_LINE, PASSWORD, STATE, split_tail
from .statistics import SERVER_STATES
from .work import UNBOUNDED, Work

if TYPE_CHECKING:
    from .lines import Lines

__all__ = ["Definition", "Node", "parse_definition", "parse_node_state"]

CHUNK = 1 << 16  # characters that are looked at together: their lines stay in the processor's caches

# The lines that make the tree: a node's keyword, its name and what follows ` # `, or another line.
# If a line is not as ecFlow writes it, only the keyword matches, or an end and one more character. The first
# letters are compared before all else: most lines are attributes, `endclock` among them.
_TREE = (
    r"\n(?=[ tfsace])(?!ed|ev) *(?:"
    r"(task|family|suite|alias) (\w[\w.-]*)(?: # ([^\n]*)|(?![^\n]))"
    r"|(calendar\b[^\n]*|end(?:suite|family|task|alias)(?![^\n])"
    r"|(?:task|family|suite|alias)\b|end(?!clock\b)\w+\b[^\n]?"
)
_JOINED_LINES = rf"{_TREE}))"
_LINES = rf"{_TREE}|{MAY_GO_ON}))"  # an expression that may go on has a new line in the last group
_HEAD = re.compile(r"#(\d+\.\d+\.\d+)[ -~]*\n *defs_state ([^\n]*)")
_OF_ALIAS = "alias: state:queued "
# The calendar's begin_time is initLocalTime, which is initTime without the clock's gain (Calendar.hpp).
_BEGIN_TIME = re.compile(r"calendar initTime:(\S+ \S+)(?:.* initLocalTime:(\S+ \S+))?")
_NESTING = "the server's definition is not well nested"
_END = NEW_LINE + "# enddef"
_PASSED_OVER = frozenset(("endtask", "endalias"))
_OPENING = frozenset(("task", "family", "suite", "alias"))  # of a line that is not as ecFlow writes it


class Node(NamedTuple):
    """A node of a definition: its path and its state."""

    path: str
    state: NodeState


@dataclass(frozen=True)
class Definition(Sequence[Node]):
    """A server's nodes in the order of Defs.get_all_nodes(), and its change numbers.

    It is a sequence of Node, made from the columns `paths` and `states` on demand. `state` is that of the
    whole definition (`/`). `begin_times` has each suite's calendar start as ecFlow writes it. Two nodes may
    have one path: ecFlow allows it for aliases after a restart. `has_suspended` says whether a node is
    suspended, `has_passwords` whether a node's line has its job's password, and `has_several_lines` whether a
    text has several lines, so that other clients may have misread it. `lines` has the rest of the text, if it
    is wanted.
    """

    version: str
    state: str
    server_state: str
    details: tuple[tuple[str, Any], ...]
    state_change_no: int
    modify_change_no: int
    paths: list[str]
    states: list[NodeState]
    begin_times: dict[str, str]
    has_duplicate_paths: bool
    has_suspended: bool
    has_passwords: bool
    has_several_lines: bool = False
    lines: Lines | None = None

    def __len__(self) -> int:
        return len(self.paths)

    def __bool__(self) -> bool:
        return True  # a server without suites has a definition, too

    @overload
    def __getitem__(self, index: int) -> Node: ...
    @overload
    def __getitem__(self, index: slice) -> list[Node]: ...
    def __getitem__(self, index: int | slice) -> Node | list[Node]:
        if isinstance(index, slice):
            return list(map(Node, self.paths[index], self.states[index]))
        return Node(self.paths[index], self.states[index])

    def __iter__(self) -> Iterator[Node]:
        return map(Node, self.paths, self.states)


class _Spanning(Exception):
    """A line is not as ecFlow begins or ends it: a text may have several lines."""


class _States(dict[str, NodeState]):
    """The states by the end of a node's line, after ` # `; most nodes' lines end alike.

    `unstated` has the ends in which the word `state:` does not stand once, and how often it stands there
    besides: -1 if it is missing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unstated: dict[str, int] = {}

    def __missing__(self, end: str) -> NodeState:
        parts = split_tail(f" {end}")
        if parts.is_unfinished:
            raise _Spanning
        state = self[end] = state_of_tail(parts)
        stated = f" {end.removeprefix(_OF_ALIAS)}".count(STATE)
        if stated != 1:
            self.unstated[end] = stated - 1
        return state


def parse_definition(text: str, work: Work = UNBOUNDED, *, with_lines: bool = False) -> Definition:
    """Return the definition in a text; `with_lines`, its lines are among it.

    Raises NotUnderstood if it is not whole or is unknown, TreeUnproved if it does not show which nodes
    there are, TooSlow if that takes too long.
    """
    head = _HEAD.match(text)
    if head is None or text.rfind(_END) < 0 or text[text.rfind(_END) + len(_END) :] not in ("", NEW_LINE):
        raise NotUnderstood("the server's definition is not whole")
    try:
        return _with_lines(_parse(text, head, work), text, work, wanted=with_lines)
    except (_Spanning, NotUnderstood):  # one line of a text may look like any
        pass
    from .spanning import join_lines  # takes a millisecond, and most definitions do not need it

    try:
        joined = join_lines(text, work)
        definition = _parse(joined, head, work, joined=True)
        definition = replace(definition, has_several_lines=joined != text)
        return _with_lines(definition, joined, work, wanted=with_lines)
    except _Spanning as error:
        raise TreeUnproved from error


def _with_lines(found: Definition, text: str, work: Work, *, wanted: bool) -> Definition:
    """Return a definition with the lines of its text, if they are wanted. Raises TreeUnproved or TooSlow."""
    if not wanted:
        return found
    from .lines import cut_lines

    work.check()
    return replace(found, lines=cut_lines(text))


def _parse(text: str, head: re.Match[str], work: Work, *, joined: bool = False) -> Definition:
    """Return the definition in a text.

    Raises NotUnderstood, TooSlow, and _Spanning if a text may span lines.
    """
    version, line = head.groups()
    tokens = dict(token.split(":", 1) for token in line.split(" ") if ":" in token)
    lines = re.compile(_JOINED_LINES if joined else _LINES, re.ASCII)
    tree = _Tree()
    start = head.end()
    while start < len(text):
        work.check()
        end = len(text)
        if start + CHUNK < end:  # a line longer than a chunk is looked at alone
            ends = text.find(NEW_LINE, start + 1), text.rfind(NEW_LINE, start + 1, start + CHUNK)
            end = max(ends) if max(ends) > 0 else end
        tree.add(lines.findall(text, start, end + 1))  # the new line shows that the last line is empty
        last = lines.match(text, text.rfind(NEW_LINE, start, end))
        if last is not None and NEW_LINE in (last[4] or ""):  # it goes on in the next chunk
            raise _Spanning
        start = end
    work.check()
    tree.close()
    if not joined and text.count(STATE) != tree.stated:
        raise _Spanning
    state = tokens.get("state>", "unknown")
    server_state = tokens.get("server_state", "RUNNING")
    if state not in STATES or server_state not in SERVER_STATES:
        raise NotUnderstood("the server's definition has an unknown state")
    return Definition(
        version=version,
        state=state,
        server_state=server_state,
        details=details_of(tokens),
        state_change_no=_number(tokens.get("state_change", "0")),
        modify_change_no=_number(tokens.get("modify_change", "0")),
        paths=tree.paths,
        states=tree.states,
        begin_times=tree.begin_times,
        has_duplicate_paths=tree.has_aliases and len(set(tree.paths)) < len(tree.paths),
        has_suspended=tree.has_suspended,
        has_passwords=tree.has_passwords,
    )


class _Tree:
    """Makes the nodes' paths from the lines that open and close them."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.states: list[NodeState] = []
        self.begin_times: dict[str, str] = {}
        self.has_aliases = False
        self.stated = 0  # how often the word `state:` is in the nodes' lines
        self._known = _States()
        self._prefix = "/"
        self._above: list[str] = []
        self._task = ""

    def add(self, lines: list[tuple[str, str, str, str]]) -> None:
        """Add some lines that make the tree, as _LINES finds them."""
        paths, above = self.paths, self._above
        prefix, task = self._prefix, self._task
        ends: list[str] = []  # of the nodes' lines
        for keyword, name, end, line in lines:
            if keyword == "task":
                if not above:
                    raise TreeUnproved(_NESTING)
                task = prefix + name
                paths.append(task)
                ends.append(end)
            elif keyword == "family" or keyword == "suite":
                if (keyword == "suite") != (prefix == "/"):
                    raise TreeUnproved("the server's definition has a suite in the wrong place")
                paths.append(prefix + name)
                ends.append(end)
                above.append(prefix)
                prefix, task = f"{prefix}{name}/", ""
            elif line == "endfamily" or line == "endsuite":
                if not above or (line == "endsuite") != (len(above) == 1):
                    raise TreeUnproved(_NESTING)
                prefix, task = above.pop(), ""
            elif keyword == "alias":
                if not task:
                    raise TreeUnproved(_NESTING)
                # One without a state is queued: so do the bindings read it (Alias.cpp, the constructor).
                paths.append(f"{task}/{name}")
                ends.append(_OF_ALIAS + end)
                self.has_aliases = True
            elif line[:8] == "calendar":
                begin = _BEGIN_TIME.match(line)
                if begin and len(above) == 1:
                    self.begin_times[prefix[1:-1]] = begin[2] or begin[1]
            elif line not in _PASSED_OVER:
                if line in _OPENING or not line.isidentifier():
                    raise _Spanning
                raise NotUnderstood("the server's definition has an unknown kind of node")
        self._prefix, self._task = prefix, task
        self.states += map(self._known.__getitem__, ends)
        self.stated += len(ends)
        if self._known.unstated:
            self.stated += sum(map(self._known.unstated.get, ends, repeat(0)))

    @property
    def has_suspended(self) -> bool:
        """Whether a node is suspended."""
        return any(state.suspended for state in self._known.values())

    @property
    def has_passwords(self) -> bool:
        """Whether a node's line has its job's password."""
        return any(PASSWORD in f" {end}" for end in self._known)

    def close(self) -> None:
        """Raise TreeUnproved if a suite or a family was not closed."""
        if self._above:
            raise TreeUnproved(_NESTING)


def _number(text: str) -> int:
    if not is_number(text):
        raise NotUnderstood("the server's definition has an invalid change number")
    return int(text)
