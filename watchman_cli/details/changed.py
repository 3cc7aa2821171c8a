"""What changed of nodes since the definition was stored: for each, the parts that are now different.

A part is a line, by what tells it from the node's others (`edit NAME`, `late`); an empty one is gone. The
parts of the node's own line are there by their names, such as `state`. CLEARED says that the node has no
attributes but those that are named, and those that stay. All of a node's parts are one JSON object.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from watchman_cli.details.policy import HIDDEN, JOB_TOKENS, Policy, masked_repeat
from watchman_cli.details.stored import DetailsChanged, DetailsUpdate, StoredDetails
from watchman_cli.ecflow_client import Mementos
from watchman_cli.ecflow_client.details.flags import names_of
from watchman_cli.ecflow_client.node_state import STATES
from watchman_cli.ecflow_client.statistics import SERVER_STATES

if TYPE_CHECKING:
    from watchman_cli.details import KeptDetails
    from watchman_cli.details.stored import Kept
    from watchman_cli.details.written_line import Fields, Written  # most changes are of states, and need none

Parts = dict[str, str]

CLEARED = "cleared"
TIMES = frozenset(("time", "today", "cron", "date", "day"))  # of which a node may have equal ones
VARIABLES = "variables"  # of the server: all that users set
TOKENS = ("state", "server_state", "dur", "suspended", "flag", "begun", "alias_no", "rid", "try", "abort")
STAYING = ("defstatus", "clock", "calendar", "autocancel", "autoarchive", "autorestore", "verify")
_STAYS = rf"(?:{'|'.join((*STAYING, *TOKENS))})(?: |$)"  # compiled when it is needed, which is seldom


class NotKept(Exception):
    """A change is of a kind that cannot be written as a line; says which."""


class Changed(NamedTuple):
    """The parts of each node that changed, and the nodes whose repeat is a secret now."""

    nodes: dict[str, Parts]
    hidden_repeats: set[str]


def changed_parts(changes: Iterable[Mementos], policy: Policy, hidden_repeats: Iterable[str]) -> Changed:
    """Return the parts to store of an incremental answer. Raises NotKept.

    `hidden_repeats` are the nodes whose repeat is a secret: a change of its value does not name it.
    """
    hidden = set(hidden_repeats)
    nodes: dict[str, Parts] = {}
    for change in changes:
        found: Parts = {CLEARED: "1"} if change.cleared else {}
        if change.cleared:
            hidden.discard(change.path)
        try:
            for name, fields in change.fields:
                reader = _TOKENS.get(name)
                if reader is not None:
                    found.update(reader(fields))
                elif name == "ServerVariableMemento":
                    if policy.keeps("edit"):
                        found[VARIABLES] = "\n".join(_variables(fields, policy))
                else:
                    for each in _written(name, fields):
                        _add(found, each, change, policy, hidden)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise NotKept("a change that is not understood") from error
        if not policy.keeps_jobs:
            found = {key: value for key, value in found.items() if key not in JOB_TOKENS}
        if found:
            earlier = nodes.get(change.path)
            nodes[change.path] = found if earlier is None else merged(earlier, found)
    return Changed(nodes, hidden)


def _add(found: Parts, each: "Written", change: Mementos, policy: Policy, hidden: set[str]) -> None:
    key, line = each.key, each.line
    if not policy.keeps(each.keyword):
        return
    if key == "repeat":
        hidden.discard(change.path)
    if each.name and policy.is_secret(each.name):
        line = f"edit {each.name} '{HIDDEN}'"
        if key == "repeat":
            line = f"repeat {masked_repeat(each.name)}"
            hidden.add(change.path)
    elif key == "repeat #" and change.path in hidden:
        return
    if key in found and each.keyword in TIMES:
        key = numbered(key, 2 + sum(other.startswith(f"{key} (") for other in found))
    found[key] = line


def _written(name: str, fields: "Fields") -> "Iterator[Written]":
    """Return the attributes that a memento changes. Raises NotKept."""
    from watchman_cli.details.written import WRITERS  # it takes a millisecond

    writer = WRITERS.get(name)
    if writer is None:
        raise NotKept(f"a change of a kind that details do not have ({name})")
    return writer(fields)


def _variables(fields: "Fields", policy: Policy) -> Iterator[str]:
    from watchman_cli.details.written import written_variable

    for each in fields.get("serverEnv_", ()):
        found = written_variable(each)
        yield f"edit {found.name} '{HIDDEN}'" if policy.is_secret(found.name) else found.line


def _state(fields: "Fields") -> Iterator[tuple[str, str]]:
    found = fields["state_"]
    yield "state", STATES[found.get("first", 0)]
    yield "dur", found.get("second", {}).get("duration", "00:00:00")


def _submittable(fields: "Fields") -> Iterator[tuple[str, str]]:
    """Yield what a job said; its password (`paswd_`) is not among it."""
    from watchman_cli.details.written_text import escaped, one_line

    yield "rid", one_line(fields.get("rid_", ""))
    yield "abort", escaped(fields.get("abr_", ""))
    yield "try", str(fields.get("tryNo_", 0) or "")


def _flags(fields: "Fields") -> Iterator[tuple[str, str]]:
    yield "flag", ",".join(names_of(fields["flag_"].get("flag_", 0)))


_TOKENS: Mapping[str, Any] = {
    "NodeStateMemento": _state,
    "StateMemento": lambda fields: (("state", STATES[fields.get("state_", 0)]),),
    "ServerStateMemento": lambda fields: (("server_state", SERVER_STATES[fields.get("state_", 0)]),),
    "SuspendedMemento": lambda fields: (("suspended", "1" if fields.get("suspended_") else ""),),
    "FlagMemento": _flags,
    "SubmittableMemento": _submittable,
    "SuiteBeginDeltaMemento": lambda fields: (("begun", "1" if fields.get("begun_") else ""),),
    "AliasNumberMemento": lambda fields: (("alias_no", str(fields.get("alias_no_", 0) or "")),),
}


def change_details(
    expire: int | None,
    stamp: str,
    changed: Changed | None,
    previous: "KeptDetails",
    stored: Callable[[Sequence[str]], StoredDetails],
) -> "Kept":
    """Return the update after an incremental reading. `expire` is in seconds.

    `previous` says which details are in the store, and `stored` returns those of some nodes that changed.
    Raises DetailsChanged if they are not those that the previous run left, and the errors of `stored`.
    """
    nodes = changed.nodes if changed else {}
    found = stored(list(nodes))
    if found.stamp != previous.stamp or not found.is_whole:
        raise DetailsChanged
    values = {}
    for path, parts in nodes.items():
        earlier = found.changed.get(path)
        try:
            values[path] = encode(merged(decode(earlier), parts) if earlier else parts)
        except ValueError as error:
            raise DetailsChanged from error
    after, life = previous.expiring(expire)
    hidden = sorted(changed.hidden_repeats) if changed else previous.hidden_repeats
    return (
        DetailsUpdate(stamp, None, values, previous.stamp),
        life,
        after._replace(stamp=stamp, hidden_repeats=hidden),
    )


def merged(earlier: Parts, later: Parts) -> Parts:
    """Return the difference from the stored definition after both changes."""
    if CLEARED in later:
        earlier = {key: line for key, line in earlier.items() if stays(key)}
    for key in later:
        if f"{key} #" in earlier:
            earlier = {each: line for each, line in earlier.items() if each != f"{key} #"}
    return {**earlier, **later}


def numbered(key: str, number: int) -> str:
    """Return the key of the second or a later one of a node's equal times.

    The server names neither: if all have changed, they come in their order. If one of them has, it is taken
    for the first, as ecFlow's own client does.
    """
    return f"{key} ({number})" if number > 1 else key


def encode(parts: Parts) -> bytes:
    """Return the value of a changed node's field."""
    return orjson.dumps(parts)


def decode(value: bytes) -> Parts:
    """Return a changed node's parts. Raises ValueError if they are damaged."""
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise ValueError("it is damaged") from error
    if not isinstance(found, dict) or not all(isinstance(line, str) for line in found.values()):
        raise ValueError("it is damaged")
    return found


def stays(line: str) -> bool:
    """Return whether a line stays when a node's attributes are cleared."""
    return re.match(_STAYS, line) is not None
