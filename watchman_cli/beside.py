"""What is shown beside the nodes of a snapshot: from the details that belong to that very snapshot."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from watchman_cli import snapshot
from watchman_cli.details.attributes import Label, Meter
from watchman_cli.errors import NoDetails
from watchman_cli.node_details import ATTEMPTS, OtherSnapshot, require, with_details

if TYPE_CHECKING:
    from watchman_cli.details.tree import StoredTree
    from watchman_cli.readback import StoredServer
    from watchman_cli.snapshot import Head
    from watchman_cli.store import Store

T = TypeVar("T")
ShownKind = Literal["labels", "meters"]


class Shown(NamedTuple):
    """The labels and meters of one node that are shown beside it."""

    labels: Sequence[Label] = ()
    meters: Sequence[Meter] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return them as `show --json` prints them; a kind that the node has not is left out."""
        document: dict[str, Any] = {}
        if self.labels:
            document["labels"] = [{"name": each.name, "text": each.text} for each in self.labels]
        if self.meters:
            document["meters"] = [
                {"name": each.name, "value": each.value, "min": each.least, "max": each.most}
                for each in self.meters
            ]
        return document


def revision_of(stored: StoredServer) -> str:
    """Return the revision of a snapshot that was read back. Raises NoDetails if another tool wrote it."""
    head = snapshot.parse_head(stored.value[: snapshot.HEAD_SIZE])
    if head is None:
        raise NoDetails(f"{stored.server}: no details: another program wrote its snapshot")
    return head.revision


def of_one_snapshot(
    read: Callable[[], StoredServer], beside: Callable[[StoredServer], T]
) -> tuple[StoredServer, T]:
    """Return a server that `read` returns, and what `beside` makes of the details of that snapshot.

    If a run replaces both meanwhile, both are read again. Raises the errors of both.
    """
    for _ in range(ATTEMPTS - 1):
        with suppress(OtherSnapshot):
            stored = read()
            return stored, beside(stored)
    stored = read()
    return stored, beside(stored)


def read_reasons(store: Store, stored: StoredServer, paths: Collection[str]) -> dict[str, str]:
    """Return the reason of its abort of each of these nodes of a snapshot; those without one are left out.

    Raises NoDetails or StoreError.
    """

    def reasons(tree: StoredTree, _: Head) -> dict[str, str]:
        nodes = (tree.node(path) for path in paths)
        return {node.path: node.reason for node in nodes if node is not None and node.reason}

    return with_details(store, stored.server, reasons, revision_of(stored))


def read_beside(store: Store, stored: StoredServer, use: Callable[[StoredTree], T]) -> T:
    """Return what `use` makes of the details of a snapshot. Raises OtherSnapshot, NoDetails or StoreError."""
    return with_details(store, stored.server, lambda tree, _: use(tree), revision_of(stored))


def read_shown(store: Store, stored: StoredServer, kinds: Collection[ShownKind]) -> dict[str, Shown]:
    """Return the labels and meters, or only one kind, of each node of a snapshot that has any.

    Raises NoDetails or StoreError.
    """

    def shown(tree: StoredTree, _: Head) -> dict[str, Shown]:
        require(tree, stored.server, kinds, " and ".join(f"--{kind}" for kind in kinds))
        tree.load()
        found = {}
        pending = ["/"]
        while pending:
            for node in tree.children(pending.pop()):
                pending.append(node.path)
                attributes = node.attributes
                labels = [each for each in attributes if isinstance(each, Label)] if "labels" in kinds else []
                meters = [each for each in attributes if isinstance(each, Meter)] if "meters" in kinds else []
                if labels or meters:
                    found[node.path] = Shown(labels, meters)
        return found

    return with_details(store, stored.server, shown, revision_of(stored))
