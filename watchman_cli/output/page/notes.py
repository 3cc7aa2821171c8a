"""What the page has to say of single nodes: why one waits, the reason of an abort, its job, its labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from watchman_cli.details.attributes import Label
from watchman_cli.details.generated import lookup
from watchman_cli.details.node import Node
from watchman_cli.details.tree import StoredTree
from watchman_cli.snapshot import Snapshot, StatusRecord
from watchman_cli.text import printable
from watchman_cli.waits import Wait, Why, explain
from watchman_cli.waits.references import NEEDED

NODES_NOTED = 500  # on one page
LEAST_NOTED = 5  # of each server in any case
FOLLOWED = 100  # nodes of one chain of conditions
TEXT = 200  # characters of each line
FEW = 5  # labels, conditions, or ends of one node
# Statuses whose nodes have a note, those that need an operator first.
_RANKS = {
    status: rank
    for rank, status in enumerate(("aborted", "active", "submitted", "suspended", "queued", "unknown"))
}


class Line(NamedTuple):
    """A line of a note: what it is about, and the text."""

    word: str
    text: str


Note = Sequence[Line]
Notes = Mapping[str, Note]  # by the node's path


def choose(records: Sequence[StatusRecord], most: int, first: Collection[str] = ()) -> list[str]:
    """Return the paths of at most `most` nodes that are not complete: the worst first, then tasks.

    Those in `first` come before all others.
    """
    candidates = []
    for place, record in enumerate(records):
        rank = _RANKS.get(record.status)
        if rank is not None and record.path != "/":
            after = records[place + 1].path if place + 1 < len(records) else ""
            is_parent = after.startswith(record.path + "/")
            candidates.append((record.path not in first, rank, is_parent, place))
    return [records[place].path for *_, place in sorted(candidates)[:most]]


def make_notes(
    tree: StoredTree,
    snapshot: Snapshot,
    most: int,
    expired: Callable[[], bool],
    first: Collection[str] = (),
) -> Notes:
    """Return the notes of at most `most` nodes of a snapshot, or fewer if `expired` says that it is time.

    The nodes in `first` come before all others. Raises DetailsChanged or DetailsDamaged.
    """
    explains = not tree.missing(NEEDED)
    found = {}
    for path in choose(snapshot.records, most, first):
        if expired():
            break
        node = tree.node(path)
        if node is not None:
            why = (
                explain(tree, path, snapshot.collected_time, FOLLOWED) if explains and _waits(node) else None
            )
            note = make_note(tree, node, why)
            if note:
                found[path] = note
    return found


def join_notes(notes: Sequence[Note]) -> Note:
    """Return the note of many nodes that are one line: the reasons of their aborts, the most frequent first.

    A node without a note counts as one whose reason is not known here.
    """
    reasons = Counter(line.text for note in notes for line in note if line.word == "aborted")
    known = [Line("aborted", f"{count} of {len(notes)}: {text}") for text, count in reasons.most_common()]
    return [Line(each.word, _clipped(each.text)) for each in _few(known)]


def _waits(node: Node) -> bool:
    """Return whether there is something that a node waits for: a job that runs or has run does not wait."""
    return node.kind in ("suite", "family") or node.status in ("queued", "suspended", "unknown")


def make_note(tree: StoredTree, node: Node, why: Why | None) -> Note:
    """Return the lines about a node; none if there is nothing to say."""
    lines: list[Line] = []
    if node.status == "aborted" and node.reason:
        lines.append(Line("aborted", node.reason))
    if node.try_number:
        lines.append(Line("try", str(node.try_number)))
        if node.job_id:
            lines.append(Line("job", node.job_id))
        output = lookup(tree, node, "ECF_JOBOUT")
        if output:
            lines.append(Line("output", output))
    labels = (each for each in node.attributes if isinstance(each, Label) and each.text)
    lines += _few(Line("label", f"{each.name}: {each.text}") for each in labels)
    if why is not None:
        lines += _why(why, node)
    return [Line(each.word, _clipped(each.text)) for each in lines]


def _why(why: Why, node: Node) -> Iterator[Line]:
    """Yield what a node waits for, and in the end; not what its own status says already."""
    waits = [each for each in why.stopped_by if each.kind != "state"]
    yield from _few(Line("waits for", _words(each)) for each in waits)
    said = {each.text for each in waits} | {f"{node.path} is {node.status}"}
    yield from _few(Line("in the end", each.text) for each in why.in_the_end if each.text not in said)
    if why.cut:
        yield Line("in the end", f"the chain is longer than {FOLLOWED} nodes: see `watchman why`")


def _words(wait: Wait) -> str:
    return f"{wait.kind}: {wait.text}" if wait.expression else wait.text


def _few(lines: Iterable[Line]) -> list[Line]:
    """Return the first lines, and the number of the others."""
    every = list(lines)
    more = [Line(every[0].word, f"and {len(every) - FEW} more")] if len(every) > FEW else []
    return every[:FEW] + more


def _clipped(text: str) -> str:
    line = printable(" ".join(text[: 4 * TEXT].split()))
    return line if len(line) <= TEXT else f"{line[: TEXT - 3]}..."
