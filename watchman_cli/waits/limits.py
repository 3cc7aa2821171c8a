"""Whether the limit that a node claims has room for it, or the node has its tokens already.

Sources: libs/node/src/ecflow/node/InLimitMgr.cpp, Submittable.cpp (`update_limits`).
"""

from __future__ import annotations

from typing import Literal

from watchman_cli.details.attributes import InLimit, Limit
from watchman_cli.details.node import Node, Tree
from watchman_cli.waits.condition import At, Wait
from watchman_cli.waits.references import resolve, upwards

_WITH_JOBS = ("aborted", "active", "submitted")  # states of a family in which a task may be active


def find_limit(tree: Tree, node: Node, claim: InLimit) -> tuple[Node, Limit] | None:
    """Return the limit that a node claims, and the node that has it; or None."""
    if claim.path:
        owner = resolve(tree, node, claim.path)
        owners = [owner] if owner else []
    else:
        owners = list(upwards(tree, node))
    for each in owners:
        for attribute in each.attributes:
            if isinstance(attribute, Limit) and attribute.name == claim.name:
                return each, attribute
    return None


def limit_condition(at: At, claim: InLimit) -> Wait:
    """Return the condition of an inlimit, which also holds if it names no limit: ecFlow ignores it."""
    found = find_limit(at.tree, at.node, claim)
    if found is None:
        return Wait(at.node.path, "limit", True, f"there is no limit {claim}; ecFlow ignores it")
    owner, limit = found
    taken = f"{limit.value} of {limit.most} taken"
    name = f"limit {owner.path}:{limit.name}"
    if limit.value + claim.tokens <= limit.most:
        return Wait(at.node.path, "limit", True, f"{name} has room, {taken}")
    holders = ", ".join(limit.holders[:5]) + (
        f" and {len(limit.holders) - 5} more" if len(limit.holders) > 5 else ""
    )
    wanted = f", {claim.tokens} wanted" if claim.tokens != 1 else ""
    by = f" by {holders}" if holders else ""
    has_tokens = _has_tokens(at, limit) if claim.node_only else False
    if has_tokens:
        return Wait(at.node.path, "limit", True, f"{name}: {at.node.path} has its tokens, {taken}")
    unsure = f"; whether {at.node.path} has its own tokens is unknown" if has_tokens is None else ""
    return Wait(at.node.path, "limit", has_tokens, f"{name} is full: {taken}{by}{wanted}{unsure}")


def _has_tokens(at: At, limit: Limit) -> bool | None:
    """Return whether a node has taken its tokens of a limit for all tasks below it; None if that is unknown.

    It has since a job below it was submitted (Submittable::update_limits), and is then a holder. The server
    keeps that in the inlimit, and does not send a change of it. So both must agree.
    """
    is_holder, job = at.node.path in limit.holders, _job_below(at.tree, at.node)
    if is_holder:
        return True if job == "real" else None
    return False if job is None else None


def _job_below(tree: Tree, node: Node) -> Literal["real", "unsure"] | None:
    """Return whether a task, or one below a node, has a job; `unsure` if its state may have been set by hand.

    A task that is set to active takes no tokens, and has no job's id.
    """
    found: Literal["unsure"] | None = None
    left = [node]
    while left:
        each = left.pop()
        if each.kind != "task":
            left += [child for child in tree.children(each.path) if child.state in _WITH_JOBS]
        elif each.state == "submitted" or (each.state == "active" and each.job_id):
            return "real"
        elif each.state == "active":
            found = "unsure"
    return found
