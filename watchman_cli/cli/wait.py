"""`watchman wait`: until a node has a status, by what is in the store."""

from __future__ import annotations

import math
import time
from collections.abc import Collection
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import typer

from watchman_cli.cli.completion import complete_path
from watchman_cli.cli.options import CONFIG, SERVER, STORE, duration, server_from_options
from watchman_cli.errors import BadSnapshot, NoSnapshot, StoreError, print_error
from watchman_cli.signals import install_handlers
from watchman_cli.status import NodeStatus

if TYPE_CHECKING:
    from watchman_cli.store import Store

INTERVAL = 2.0  # seconds between two looks at the first bytes of a snapshot; a run is made each minute
OTHERWISE = 1  # exit codes: the node has a status of --or
TIMED_OUT = 4


def wait(
    name: str = SERVER,
    path: str = typer.Argument(
        metavar="/PATH", help="The node, which need not exist yet.", autocompletion=complete_path
    ),
    until: list[NodeStatus] = typer.Option(
        ["complete"],
        "--until",
        metavar="S",
        help="End with 0 when the node has this status. May be repeated.",
    ),
    otherwise: list[NodeStatus] = typer.Option(
        [], "--or", metavar="S", help="End with 1 when the node has this status. May be repeated."
    ),
    timeout: float | None = typer.Option(
        None, "--timeout", metavar="TIME", parser=duration, help="End with 4 after this time (90s, 3m, 6h)."
    ),
    max_age: float = typer.Option(
        "0s",
        "--max-age",
        metavar="TIME",
        parser=duration,
        help="Take a snapshot that was collected this long before, too, not only those from now on.",
    ),
    config: str | None = CONFIG,
    store: str | None = STORE,
) -> None:
    """Wait until a node has a status, and ask only the store."""
    began, end = time.monotonic(), math.inf
    if timeout is not None:
        end = began + timeout
    oldest = datetime.now(timezone.utc) - timedelta(seconds=max_age)
    install_handlers()
    opened, name = server_from_options(name, config, store)
    path = "/" + path.strip("/")
    node = _Node(opened, name, path)
    if not _wait(node, {*until, *otherwise}, oldest, end):
        print_error(f"watchman: {name}: {path} is {node.status or 'not there'} after {timeout:g} s")
        raise typer.Exit(TIMED_OUT)
    print(f"{name}: {path} is {node.status}")
    raise typer.Exit(0 if node.status in until else OTHERWISE)


class _Node:
    """A node, as the last snapshot in the store has it; `status` is None where it has no such node."""

    def __init__(self, store: Store, server: str, path: str) -> None:
        self.store, self.server, self.path = store, server, path
        self.status: str | None = None
        self.collected_time: datetime | None = None
        self._revision: str | None = None

    def look(self) -> None:
        """Look at the snapshot's first bytes, and read it where its records are others than before.

        Raises NoSnapshot, BadSnapshot and StoreError.
        """
        from watchman_cli.reader import read_server
        from watchman_cli.snapshot import parse_head, parse_time

        head = parse_head(self.store.head(self.server))
        if head is not None and head.revision == self._revision:
            self.collected_time = parse_time(head.collected_time)
            return
        found = read_server(self.store, self.server).snapshot
        assert found is not None
        self.status, self.collected_time = found.status(self.path), found.collected_time
        self._revision = head.revision if head else None


def _wait(node: _Node, statuses: Collection[str], oldest: datetime, end: float) -> bool:
    """Return True when the node has one of the statuses, and False at `end`, a time.monotonic().

    No snapshot older than `oldest` counts. Raises StoreError where the store cannot be reached at first.
    """
    reported, reached = "", False
    while True:
        try:
            node.look()
            reached, problem = True, ""
        except (StoreError, NoSnapshot, BadSnapshot) as error:
            if isinstance(error, StoreError) and not reached:
                raise
            reached, problem = True, str(error)
        if problem and problem != reported:
            print_error(f"watchman: {problem}; still waiting")
        reported = problem
        fresh = node.collected_time is not None and node.collected_time >= oldest
        if not problem and fresh and node.status in statuses:
            return True
        left = end - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(INTERVAL, left))
