"""Puts what changed into the lines of a stored definition: nodes come out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, get_args

from watchman_cli.details.attributes import Variable
from watchman_cli.details.changed import CLEARED, TIMES, TOKENS, VARIABLES, Parts, numbered, stays
from watchman_cli.details.node import Node, NodeType, ServerDetails
from watchman_cli.details.parse import parse_attribute
from watchman_cli.details.policy import HIDDEN
from watchman_cli.details.written_repeat import moment_of
from watchman_cli.details.written_text import with_state
from watchman_cli.ecflow_client.raw_texts import split_tail

OF_SERVER = " # server"  # the end of a variable that the server itself has set
_KINDS = get_args(NodeType)
_NODE = re.compile(r" *(suite|family|task|alias) (\S+)(.*)", re.S)
_OPTION = re.compile(r"-[ns] ")
_STATE = re.compile(r" # \S[^\"']*$")
_REASON = re.compile(r" abort<:(.*)>abort", re.S)
# The words of a line that tell it from the node's others; of all other kinds there is one a node.
_NAMED = frozenset(("edit", "label", "meter", "limit", "queue", "generic"))
_UNIX = re.compile(r"\d{9,11}")


class Block(NamedTuple):
    """A node's own line, in parts, and those of its attributes, as they are stored."""

    kind: NodeType
    name: str
    tail: str
    lines: list[str]


def blocks(lines: str) -> Iterator[Block]:
    """Yield the nodes of a field, in their order."""
    found: Block | None = None
    for line in lines.split("\n"):
        node = _NODE.fullmatch(line)
        if node is not None:
            if found:
                yield found
            found = Block(node[1], node[2], node[3], [])  # type: ignore[arg-type]
        elif found and line:
            found.lines.append(line.strip(" "))
    if found:
        yield found


def node_of(parent: str, block: Block, changed: Parts | None = None) -> Node:
    """Return a node as it is now; `parent` is the name of its field."""
    tokens = block.tail.removeprefix(" # ").removeprefix(" #")
    lines: Sequence[str] = block.lines
    if changed:
        if any(token in changed for token in TOKENS):
            tokens = _tokens(block.tail, changed)
        lines = list(_lines(block.lines, changed))
    return Node(f"{parent}{block.name}", block.kind, tokens, lines)


def server_of(lines: str, changed: Parts | None = None) -> ServerDetails:
    """Return the server's own attributes."""
    changed = changed or {}
    state, flags = "RUNNING", ""  # what the text leaves out
    own: dict[str, str] = {}
    users: dict[str, str] = {}
    for line in map(str.strip, lines.split("\n")):
        if line.startswith("defs_state "):
            tokens = dict(word.split(":", 1) for word in line.split() if ":" in word)
            state, flags = tokens.get("server_state", state), tokens.get("flag", "")
        elif line.startswith("edit "):
            _add_variable(own if line.endswith(OF_SERVER) else users, line.removesuffix(OF_SERVER))
    if VARIABLES in changed:
        users = {}
        for line in changed[VARIABLES].split("\n"):
            _add_variable(users, line)
    state, flags = changed.get("server_state", state), changed.get("flag", flags)
    return ServerDetails(state, {**own, **users}, tuple(flags.split(",")) if flags else ())


def _add_variable(found: dict[str, str], line: str) -> None:
    variable = parse_attribute(line)
    if isinstance(variable, Variable):
        found[variable.name] = variable.value


def _tokens(tail: str, changed: Mapping[str, str]) -> str:
    """Return the text after a node's name with some of its tokens replaced, in the server's own order."""
    reason = _REASON.search(tail)
    split = split_tail(tail)
    found = dict.fromkeys(TOKENS, "")
    others = []
    for word in split.tokens.removeprefix(" #").split():
        name, colon, value = word.partition(":")
        if colon and name in found:
            found[name] = value
        else:
            others.append(word)
    found["rid"] = split.texts.get("rid", "")
    found["abort"] = reason[1] if reason else ""
    found |= {name: changed[name] for name in TOKENS if name in changed}
    words = [f"{name}:{found[name]}" for name in ("begun", "alias_no", "rid") if found[name]]
    if found["abort"]:
        words.append(f"abort<:{found['abort']}>abort")
    if found["state"] and not found["dur"]:
        found["dur"] = "00:00:00"
    words += [f"{name}:{found[name]}" for name in ("try", "state", "dur", "flag", "suspended") if found[name]]
    return " ".join([*words, *others])


def _lines(lines: Sequence[str], changed: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of a node's attributes as they are now."""
    left = {key: line for key, line in changed.items() if key not in TOKENS and key != CLEARED}
    seen: Counter[str] = Counter()
    for line in lines:
        if CLEARED in changed and not stays(line):
            continue
        key = key_of(line)
        seen[key] += 1
        if seen[key] > 1 and key in ("trigger", "complete"):
            if key in changed:  # the first one's change has all parts
                continue
        else:
            line = left.pop(numbered(key, seen[key]), line)
        if line:
            yield from _with_position(line, key, left)
    added = {key: line for key, line in left.items() if line and not key.endswith(" #")}
    for key, line in added.items():
        yield from _with_position(line, key, left)


def _with_position(line: str, key: str, left: dict[str, str]) -> Iterator[str]:
    """Yield a line, or several, with the state that came without the line itself."""
    state = left.pop(f"{key} #", None)
    if state is None:
        yield from line.split("\n")
    elif key == "repeat":
        yield _repeat_at(line, state)
    else:
        yield with_state(_STATE.sub("", line), state)


def _repeat_at(line: str, position: str) -> str:
    if line.endswith(f'"{HIDDEN}"'):
        return line
    line = _STATE.sub("", line)
    words = line.split()
    if words[1] == "datetime" and _UNIX.fullmatch(position):
        position = moment_of(int(position))
    first = words[3] if words[1] in ("integer", "date", "datetime") else "0"
    return line if position == first else with_state(line, position)


def key_of(line: str) -> str:
    """Return the key that tells a line from the node's others, as in written.py."""
    keyword, _, rest = line.partition(" ")
    if keyword in _NAMED:
        return f"{keyword} {rest.split(' ', 1)[0]}"
    if keyword == "event":
        words = rest.partition(" # ")[0].split()
        return " ".join(["event", *(words[:-1] if words[-1:] == ["set"] and len(words) > 1 else words)])
    if keyword == "inlimit":
        words = [word for word in rest.split() if word not in ("-n", "-s")]
        return f"inlimit {words[0]}" if words else line
    if keyword in TIMES:
        return line.partition(" # ")[0]
    if keyword in ("zombie", "verify"):
        return f"{keyword} {rest.partition(':')[0]}"
    return keyword
