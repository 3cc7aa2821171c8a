"""How the details that are stored compare with a definition's text as the bindings write it.

That text is a checkpoint's, which has the lines of a server's answer. Not compared is what differs though
nobody is wrong:
- a suite's calendar, and how long a relative time has waited: they are as of the moment when a text was made;
- since when a state lasts: see collect/verify.py;
- whether a node has taken its tokens of a limit: the server does not send a change of that;
- blanks in the value of a variable or a label, and one with a `#`: the bindings change or cut some of them;
- a job's id after its first word, where the bindings cut it; and the try, the id and the reason of a job
  whose own texts look like the rest of a node's line;
- an expression after its first line, if that is a whole expression: the bindings then read no more;
- what a release writes, and others leave out, of an attribute that has nothing to say.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import zip_longest

from watchman_cli.details.merge import blocks, key_of, node_of, server_of
from watchman_cli.details.node import Node, ServerDetails, Tree
from watchman_cli.details.policy import Policy
from watchman_cli.details.stored import DetailsChanged, StoredDetails
from watchman_cli.details.tree import DetailsDamaged, StoredTree
from watchman_cli.ecflow_client.lines import readable, without_passwords
from watchman_cli.ecflow_client.work import UNBOUNDED, Work
from watchman_cli.text import quoted

NOT_OF_SNAPSHOT = "they belong to another snapshot"
DAMAGED = "the stored details are damaged"
CHUNK = 1 << 18  # characters that are looked at together, before the clock is looked at again
_NODE = re.compile(r"\n *(?=(?:suite|family|task|alias) )")
_END = "\n# enddef"
_CLOSING = frozenset(("endsuite", "endfamily", "endtask", "endalias"))
_ORDERED = frozenset(("trigger", "complete"))  # the parts of one are joined in their order
_BLANKS = re.compile(r"\s+")
_ALIKE = re.compile(r" relativeDuration/\S+| date:not-a-date-time| # incremented:1$")
_OF_NODES = ("kind", "state", "suspended")
_OF_JOBS = ("try_number", "reason")
_LIKE_STATE = re.compile(r">abort|abort<:|(?:^|\s)[a-z_]+:")  # in a job's own text


class NotComparable(Exception):
    """The details cannot be compared; says why."""


def compare_stored(
    found: StoredDetails,
    revision: str | None,
    text: str,
    paths: Sequence[str],
    policy: Policy,
    skipped: Collection[str] = (),
    work: Work = UNBOUNDED,
) -> str | None:
    """Return the first difference between all stored details and the bindings' text, or None.

    `revision` is the stored snapshot's, or None; the rest is as in find_difference. Raises NotComparable if
    the details are damaged or belong to another snapshot, or TooSlow.
    """
    if not found.is_whole or found.revision != revision:
        raise NotComparable(NOT_OF_SNAPSHOT)
    work.check("compared")
    tree = StoredTree(lambda *_: found, found.stamp)
    try:
        tree.load()
        return find_difference(tree, text, paths, policy, skipped, work)
    except (DetailsChanged, DetailsDamaged) as error:
        raise NotComparable(DAMAGED) from error


def find_difference(
    ours: Tree,
    text: str,
    paths: Sequence[str],
    policy: Policy,
    skipped: Collection[str] = (),
    work: Work = UNBOUNDED,
) -> str | None:
    """Return the name of the first attribute that differs, and of its node; or None.

    `text` is the definition as the bindings write it, with a character for each byte, and `paths` has its
    nodes in their order. The nodes `skipped` are not compared. What is masked is equal, and no value is
    named. Raises NotComparable or TooSlow.
    """
    server, *chunks = _cut(text)
    if "/" not in skipped:
        _, _, lines = server.partition("\n")  # the first one is the version
        name = _differing_of_server(ours.server, server_of(policy.kept(readable(lines))))
        if name:
            return f"{name} of the server"
    for path, theirs in zip_longest(paths, _nodes(chunks, paths, policy, work)):
        if path is None or theirs is None or theirs.path != path:
            raise NotComparable("the bindings wrote other nodes than they read")
        if path not in skipped:
            mine = ours.node(path)
            name = _differing(mine, theirs) if mine else "all"
            if name:
                return f"{name} of {path}"
    return None


def _cut(text: str) -> Iterator[str]:
    """Yield what stands before the first node, and then the nodes, in pieces of about CHUNK."""
    last = text.find(_END)
    last = len(text) if last < 0 else last
    start, size = 0, 0
    while start < last or not start:
        node = _NODE.search(text, start + size, last)
        end = node.start() if node else last
        yield text[start:end]
        start, size = end + 1, CHUNK


def _nodes(chunks: Sequence[str], paths: Sequence[str], policy: Policy, work: Work) -> Iterator[Node]:
    parents = iter(paths)
    for chunk in chunks:
        work.check()
        lines = policy.kept(without_passwords(readable(chunk)))
        for block, path in zip(blocks(lines), parents, strict=False):
            kept = [line for line in block.lines if line not in _CLOSING]
            yield node_of(path[: path.rfind("/") + 1], block._replace(lines=kept))


def _differing(ours: Node, theirs: Node) -> str | None:
    """Return which part of a node differs, or None."""
    if ours.tokens != theirs.tokens:
        is_unsure = _LIKE_STATE.search(ours.reason) or _LIKE_STATE.search(ours.job_id)
        for name in _OF_NODES if is_unsure else (*_OF_NODES, *_OF_JOBS):
            if getattr(ours, name) != getattr(theirs, name):
                return name.replace("_", " ")
        if set(ours.flags) != set(theirs.flags):
            return "flags"
        if not is_unsure and ours.job_id.split()[:1] != theirs.job_id.split()[:1]:
            return "job id"
    if ours.lines == theirs.lines:
        return None
    unsure = {key_of(line) for line in ours.lines if _is_unsure(line)}
    mine, others = _comparable(ours, unsure), _comparable(theirs, unsure)
    alone = [*(mine - others).elements(), *(others - mine).elements()]
    for own, other in zip_longest(_expressions(ours), _expressions(theirs), fillvalue=""):
        if own != other and not _is_cut(own, other):
            alone.append(own or other)
    return quoted(key_of(alone[0])) if alone else None


def _differing_of_server(ours: ServerDetails, theirs: ServerDetails) -> str | None:
    if ours.state != theirs.state:
        return "state"
    if set(ours.flags) != set(theirs.flags):
        return "flags"
    for name in sorted({*ours.variables, *theirs.variables}):
        mine, other = ours.variables.get(name), theirs.variables.get(name)
        if mine is None or other is None or ("#" not in mine and mine.split() != other.split()):
            return quoted(f"edit {name}")
    return None


def _is_unsure(line: str) -> bool:
    """Return whether the bindings may have read the value in a line only in part."""
    keyword, _, rest = line.partition(" ")
    if keyword == "label":
        return "#" in rest.replace('" # "', "", 1)
    return keyword == "edit" and "#" in rest


def _is_cut(own: str, other: str) -> bool:
    """Return whether the bindings may have read only the first line of an expression."""
    rest = own.removeprefix(f"{other} ")
    return bool(other) and rest != own and not rest.lstrip().startswith("#")


def _expressions(node: Node) -> list[str]:
    """Return the lines of a node's trigger, and of its complete, each in their order."""
    return sorted((line for line in node.lines if key_of(line) in _ORDERED), key=key_of)


def _comparable(node: Node, unsure: Collection[str]) -> Counter[str]:
    """Return a node's other lines as far as they are compared; their order has no meaning."""
    lines = []
    for line in node.lines:
        key = key_of(line)
        if key == "calendar" or key in _ORDERED:
            continue
        if key in unsure:
            lines.append(key)
        elif line.startswith(("edit ", "label ")):
            lines.append(_BLANKS.sub(" ", line))
        else:
            line = _ALIKE.sub("", line).removesuffix(" #")
            lines.append(line.removesuffix(" # 0") if line.startswith("verify ") else line)
    return Counter(lines)
