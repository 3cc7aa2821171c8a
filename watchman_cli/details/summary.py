"""All that is known of one node, for a person or a program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from watchman_cli.details.attributes import Attribute, Event, Label, Limit, Meter, Queue, Repeat
from watchman_cli.details.generated import generated_variables, lookup, repeat_text
from watchman_cli.details.node import Node, NodeType, Tree
from watchman_cli.errors import NoSuchNode
from watchman_cli.text import plain_or_quoted

Source = Literal["own", "inherited", "repeat", "generated", "server"]


@dataclass(frozen=True)
class VariableOf:
    """A variable that counts for a node, and the node that has it, `/` for the server."""

    name: str
    value: str
    source: Source
    path: str

    def as_dict(self) -> dict[str, str]:
        """Return the variable as `--json` prints it."""
        return {"name": self.name, "value": self.value, "source": self.source, "path": self.path}


@dataclass(frozen=True)
class NodeDetails:
    """A node with its variables and its other attributes.

    `variables` has each name once, the one that counts for this node. `script`, `job` and `output` are the
    paths that ecFlow builds for a task; empty for any other node.
    """

    path: str
    status: str
    kind: NodeType
    try_number: int
    job_id: str
    reason: str
    flags: tuple[str, ...]
    variables: tuple[VariableOf, ...]
    attributes: tuple[Attribute, ...]
    script: str = ""
    job: str = ""
    output: str = ""

    def variable(self, name: str) -> VariableOf | None:
        """Return the variable of a name, or None."""
        return next((each for each in self.variables if each.name == name), None)

    def as_dict(self) -> dict[str, Any]:
        """Return the node as `watchman node --json` prints it."""
        return {
            "path": self.path,
            "status": self.status,
            "kind": self.kind,
            "try": self.try_number,
            "job_id": self.job_id,
            "reason": self.reason,
            "flags": list(self.flags),
            "script": self.script,
            "job": self.job,
            "output": self.output,
            "variables": [each.as_dict() for each in self.variables],
            **_attributes(self.attributes),
        }


def summarize(tree: Tree, path: str) -> NodeDetails:
    """Return all that is known of the node at a path. Raises NoSuchNode."""
    node = tree.node(path)
    if node is None:
        raise NoSuchNode(f"no such node: {plain_or_quoted(path)}")
    is_task = node.kind in ("task", "alias")

    def path_of(name: str) -> str:
        return (lookup(tree, node, name) or "") if is_task else ""

    return NodeDetails(
        path=node.path,
        status=node.status,
        kind=node.kind,
        try_number=node.try_number,
        job_id=node.job_id,
        reason=node.reason,
        flags=node.flags,
        variables=tuple(sorted(variables_of(tree, node).values(), key=lambda each: each.name)),
        attributes=tuple(node.attributes),
        script=path_of("ECF_SCRIPT"),
        job=path_of("ECF_JOB"),
        output=path_of("ECF_JOBOUT"),
    )


def variables_of(tree: Tree, node: Node) -> dict[str, VariableOf]:
    """Return the variables that count for a node, by name.

    ecFlow looks on each node from this one upwards: its own, its repeat, its generated ones; then the
    server's.
    """
    found: dict[str, VariableOf] = {}
    each: Node | None = node
    while each is not None:
        for name, value in each.variables.items():
            source: Source = "own" if each is node else "inherited"
            found.setdefault(name, VariableOf(name, value, source, each.path))
        for attribute in each.attributes:
            if isinstance(attribute, Repeat) and attribute.name:
                value = repeat_text(attribute)
                found.setdefault(attribute.name, VariableOf(attribute.name, value, "repeat", each.path))
        for name, value in generated_variables(tree, each).items():
            found.setdefault(name, VariableOf(name, value, "generated", each.path))
        each = tree.node(each.parent)  # None above a suite
    for name, value in tree.server.variables.items():
        found.setdefault(name, VariableOf(name, value, "server", "/"))
    return found


def _attributes(attributes: tuple[Attribute, ...]) -> dict[str, Any]:
    """Return the lists of a node's other attributes that are not empty."""
    found: dict[str, list[dict[str, Any]]] = {}

    def add(key: str, **fields: Any) -> None:
        found.setdefault(key, []).append(fields)

    for each in attributes:
        if isinstance(each, Event):
            add("events", number=each.number, name=each.name, set=each.is_set)
        elif isinstance(each, Meter):
            add("meters", name=each.name, value=each.value, min=each.least, max=each.most)
        elif isinstance(each, Label):
            add("labels", name=each.name, text=each.text)
        elif isinstance(each, Limit):
            add("limits", name=each.name, max=each.most, value=each.value, holders=list(each.holders))
        elif isinstance(each, Repeat):
            add("repeats", name=each.name, kind=each.kind, value=repeat_text(each), items=list(each.items))
        elif isinstance(each, Queue):
            add("queues", name=each.name, items=list(each.items), position=each.position)
    return found
