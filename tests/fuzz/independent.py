"""A second reader of replies, which shares no code with the first: slow, simple and strict.

It says what a reply's nodes are, or None if it cannot tell. Then a snapshot may not differ from the reply
before it was mutated.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

STATES = ("unknown", "complete", "queued", "aborted", "submitted", "active")
SHOWN = (  # by their bits, those that are no flag of a snapshot left out
    ("task_aborted", 2), ("edit_failed", 3), ("ecfcmd_failed", 4), ("no_script", 5), ("killed", 6),
    ("late", 7),
    ("zombie", 13), ("threshold", 17), ("log_error", 20), ("checkpt_error", 21), ("killcmd_failed", 22),
    ("statuscmd_failed", 23), ("remote_error", 25),
)  # fmt: skip
NAMES = frozenset(name for name, _ in SHOWN)
BEHIND = re.compile(r" try:\d+ state:[a-z]+( dur:\S+)?( flag:\S+)?( suspended:1)?( rt:\S+)?$", re.ASCII)
END = re.compile(BEHIND.pattern.removeprefix(r" try:\d+"), re.ASCII)  # of an id that was begun
ENDS = ("endtask", "endalias", "endclock")
NODE = re.compile(r" *(task|family|suite|alias) ([A-Za-z0-9_][A-Za-z0-9_.-]*)( # .*)?", re.DOTALL)


class Seen(NamedTuple):
    """A node's path, its own state, whether it is suspended, and its flags."""

    path: str
    state: str
    suspended: bool
    flags: frozenset[str]

    @property
    def shown(self) -> tuple[str, str, frozenset[str]]:
        return self.path, "suspended" if self.suspended else self.state, self.flags


def read_full(body: bytes) -> list[Seen] | None:
    """Return the nodes of a full reading, the definition itself first; None if it is not one."""
    try:
        return _nodes(_answer(body)["value1"])
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError):
        return None


def read_changes(body: bytes, before: list[Seen]) -> list[Seen] | None:
    """Return the nodes after some changes; None if they cannot be known."""
    try:
        data = _answer(body)
        nodes = {seen.path: seen for seen in before}
        names: dict[int, str] = {}
        for compound in data["incremental_changes_"]["compound_mementos_"]:
            inside = compound["ptr_wrapper"]["data"]
            for memento in inside.get("vec_", []):
                number = memento["polymorphic_id"]
                if number >= 1 << 31:
                    names[number - (1 << 31)] = memento["polymorphic_name"]
                name, fields = names[number % (1 << 31)], memento["ptr_wrapper"]["data"]
                seen = nodes[inside["absNodePath_"]]
                nodes[seen.path] = _changed(seen, name, fields)
        return list(nodes.values())
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError):
        return None


def _answer(body: bytes) -> dict[str, Any]:
    """Return the data of the sync command's answer."""
    command = json.loads(body.decode("latin-1"), strict=True)["22ServerToClientResponse"]["stc_cmd_"]
    members = command["ptr_wrapper"]["data"]["cmdVec_"]
    (found,) = (each for each in members if each.get("polymorphic_name") == "SSyncCmd")
    data: dict[str, Any] = found["ptr_wrapper"]["data"]
    return data


def _changed(seen: Seen, name: str, fields: dict[str, Any]) -> Seen:
    if name == "NodeStateMemento":
        return seen._replace(state=STATES[fields["state_"].get("first", 0)])
    if name == "StateMemento":
        return seen._replace(state=STATES[fields.get("state_", 0)])
    if name == "SuspendedMemento":
        return seen._replace(suspended=fields.get("suspended_", False))
    if name == "FlagMemento":
        bits = fields["flag_"].get("flag_", 0)
        return seen._replace(flags=frozenset(flag for flag, bit in SHOWN if bits >> bit & 1))
    return seen


def _nodes(text: str) -> list[Seen]:
    """Return the nodes in a definition's text. Raises ValueError if it is not canonical."""
    lines = _joined(text.split("\n"))
    if lines[-2:] != ["# enddef", ""] or not re.fullmatch(r"#\d+\.\d+\.\d+[ -~]*", lines[0]):
        raise ValueError
    head = dict(token.split(":", 1) for token in lines[1].strip(" ").split(" ")[2:] if ":" in token)
    found = [Seen("/", head.get("state>", "unknown"), False, _flags(head))]
    above: list[str] = []
    task = ""
    for line in lines[2:-2]:
        node = NODE.fullmatch(line)
        word = line.strip(" ").split(" ")[0]
        if node is None:
            if word in ("endsuite", "endfamily"):
                if line.strip(" ") != word or (word == "endsuite") != (len(above) == 1):
                    raise ValueError
                above.pop()
            elif word in ("task", "family", "suite", "alias") or (
                word.startswith("end") and word != "end" and line.strip(" ") not in ENDS
            ):
                raise ValueError
            continue
        kind, name, rest = node.groups()
        if (kind == "suite") != (not above) or (kind == "alias" and not task):
            raise ValueError
        path = f"{task}/{name}" if kind == "alias" else "/" + "/".join((*above, name))
        tokens = _tokens(rest or "")
        state = tokens.get("state", "queued" if kind == "alias" else "unknown")
        if state not in STATES:
            raise ValueError
        found.append(Seen(path, state, tokens.get("suspended") == "1", _flags(tokens)))
        if kind in ("suite", "family"):
            above.append(name)
            task = ""
        elif kind == "task":
            task = path
    if above:
        raise ValueError
    return found


def _joined(lines: list[str]) -> list[str]:
    """Return the lines; those of the recorded trigger, and of a job's id, are joined."""
    found: list[str] = []
    is_open = False
    for line in lines:
        node = NODE.fullmatch(line)
        unfinished = node is not None and " rid:" in line and not BEHIND.search(line)
        if is_open and unfinished:
            raise ValueError
        is_end = node is None and BEHIND.search(line) and _may_go_on(found[-1:])
        is_trigger = line.startswith("a ne aborted") and found[-1].lstrip(" ").startswith("trigger ")
        if is_open or is_end or is_trigger:
            found[-1] += " " + line
            is_open = is_open and (node is not None or not END.search(line))
        else:
            found.append(line)
            is_open = unfinished
    if is_open or any(BEHIND.search(line) and not NODE.fullmatch(line) for line in found):
        raise ValueError
    return found


def _may_go_on(above: list[str]) -> bool:
    """Return whether the line above is a node's that ends with any text, as one whose `rid:` was damaged."""
    return any(NODE.fullmatch(line) and " passwd:" in line and not END.search(line) for line in above)


def _tokens(text: str) -> dict[str, str]:
    """Return the tokens of a node's line; those behind a job's password and id if it has one."""
    text = re.sub(r"abort<:.*>abort", "", text, flags=re.DOTALL)
    head, raw, rest = re.match(r"(.*?)( passwd:.*| rid:.*|)()$", text, re.DOTALL).groups()  # type: ignore[union-attr]
    if raw:
        behind = re.search(
            r"( try:\d+)?( state:[a-z]+)?( dur:\S+)?( flag:\S+)?( suspended:1)?( rt:\S+)?\s*$", raw, re.ASCII
        )
        assert behind
        if (
            " rid:" in raw
            and " try:" not in behind[0]
            and " state:" not in behind[0]
            and " state:" not in head
        ):
            raise ValueError
        rest = behind[0]
    return dict(token.split(":", 1) for token in f"{head} {rest}".split(" ") if ":" in token)


def _flags(tokens: dict[str, str]) -> frozenset[str]:
    return NAMES & set(tokens.get("flag", "").split(","))
