"""Reads the nodes of a server, with their attributes, back from a store."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from functools import partial
from typing import TypeVar

from watchman_cli import snapshot
from watchman_cli.details.stored import DetailsChanged
from watchman_cli.details.tree import DetailsDamaged, StoredTree
from watchman_cli.errors import NoDetails, NoSnapshot
from watchman_cli.snapshot import Head
from watchman_cli.store import Store

T = TypeVar("T")
ATTEMPTS = 5  # at reading while runs replace what is read
PAUSE = 0.05  # seconds before the next one: a directory's files are replaced one by one


class OtherSnapshot(NoDetails):
    """The details belong to a later snapshot than the one that was read before."""


def with_details(
    store: Store, name: str, use: Callable[[StoredTree, Head], T], revision: str | None = None
) -> T:
    """Return the result of `use` for the nodes of the server `name` (`owner/repo`) and its snapshot's head.

    The nodes are read when they are asked for, all of one time: if a run replaces them meanwhile, `use` is
    called again. With `revision`, they are those of the snapshot with that revision. Raises NoSnapshot,
    OtherSnapshot, NoDetails or StoreError.
    """
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE)
        found = store.details(name, (), ())
        head = snapshot.parse_head(found.raw_head)
        if head is None:
            raise NoSnapshot(f"{name}: no snapshot in {store.url}")
        if not found.stamp:
            raise NoDetails(
                f"{name}: no details in {store.url}: set `details: true` for this server, "
                "and wait for the next run"
            )
        if revision is not None and head.revision != revision:
            raise OtherSnapshot(f"{name}: a run has replaced the snapshot in {store.url}: try again")
        if found.revision != head.revision or not found.is_whole:
            continue
        try:
            return use(StoredTree(partial(store.details, name), found.stamp), head)
        except DetailsChanged:
            continue
        except DetailsDamaged as error:
            raise NoDetails(
                f"{name}: the details in {store.url} are damaged: the next full reading replaces them"
            ) from error
    raise NoDetails(f"{name}: the details in {store.url} belong to another snapshot: wait for the next run")


def require(tree: StoredTree, name: str, kinds: Collection[str], task: str) -> None:
    """Raise NoDetails if one of the kinds of details that a task needs is not kept of the server `name`.

    `task` names it in the message. Without that kind, what is on the server would look as if it were not.
    """
    missing = tree.missing(kinds)
    if missing:
        raise NoDetails(
            f"{name}: {task} needs these details, which are not kept: {', '.join(missing)}: "
            "add them to `details` of this server, and wait for the next run"
        )
