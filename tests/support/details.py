"""A server's details in a form that can be compared: as they are stored, and as a full reading has them."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from tests.support.ecflow_server import EcflowServer
from watchman_cli.details.changed import TIMES
from watchman_cli.details.fields import make_base
from watchman_cli.details.node import Node
from watchman_cli.details.policy import Policy
from watchman_cli.details.stored import StoredDetails
from watchman_cli.details.tree import StoredTree
from watchman_cli.ecflow_client import Access, Client, Definition, FullSync, Limits

STAMP = "r t"


def read_definition(server: EcflowServer) -> Definition:
    """Read a server in full, with its lines."""
    now = time.monotonic()
    client = Client(Access(server.host, server.port), with_lines=True)
    definition = client.ask([FullSync()], Limits(now + 10, now + 10, 1 << 30)).definition
    assert definition is not None
    return definition


def truth_of(server: EcflowServer, policy: Policy | None = None) -> dict[str, Any]:
    """Return what a full reading has of a server now."""
    return comparable_definition(read_definition(server), policy)


def comparable_definition(definition: Definition, policy: Policy | None = None) -> dict[str, Any]:
    """Return what a definition has."""
    return comparable(tree_of(definition, policy))


def tree_of(definition: Definition, policy: Policy | None = None) -> StoredTree:
    """Return the nodes of a definition, as if they were stored."""
    base = make_base(definition, policy or Policy())
    tree = StoredTree(lambda *_: StoredDetails(STAMP, STAMP, "", base.fields, {}), STAMP)
    tree.load()
    return tree


def comparable(tree: StoredTree) -> dict[str, Any]:
    """Return what a tree has, without the calendars, which a server makes anew now and then."""
    found: dict[str, Any] = {"/": tree.server}
    paths = ["/"]
    while paths:
        for node in tree.children(paths.pop()):
            found[node.path] = _comparable(node)
            paths.append(node.path)
    return found


def _comparable(node: Node) -> dict[str, Any]:
    lines: dict[str, list[str]] = {}
    for line in node.lines:
        keyword = line.partition(" ")[0]
        if keyword != "calendar":
            lines.setdefault(keyword, []).append(_normal(line))
    return {
        "kind": node.kind,
        "state": node.state,
        "suspended": node.suspended,
        "flags": sorted(node.flags),
        "try": node.try_number,
        "job": node.job_id,
        "reason": node.reason,
        "begun": "begun:1" in node.tokens.split(),
        "lines": lines,
    }


def _normal(line: str) -> str:
    """Return a line without what some releases write, and others leave out."""
    line = line.replace(" date:not-a-date-time", "").removesuffix(" #")
    return line.removesuffix(" # 0") if line.startswith("verify ") else line


def without_equal_times(node: Any) -> Any:
    """Return a node without the times that it has twice: a change does not say which of them it is of."""
    if not isinstance(node, dict):
        return node
    lines = {}
    for keyword, found in node["lines"].items():
        count = Counter(line.partition(" # ")[0] for line in found)
        lines[keyword] = [
            line for line in found if keyword not in TIMES or count[line.partition(" # ")[0]] == 1
        ]
    return {**node, "lines": {keyword: found for keyword, found in lines.items() if found}}
