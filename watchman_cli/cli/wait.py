"""`watchman wait`: until a node has a status, by what is in the store."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import typer

from watchman_cli.cli.completion import SERVER, complete_path
from watchman_cli.cli.options import (
    CONFIG,
    STORE,
    duration,
    needs_no_config,
    node_path,
    server_from_options,
)
from watchman_cli.errors import BadSnapshot, ConfigError, NoSnapshot, StoreError, UnknownServer, print_error
from watchman_cli.signals import install_handlers
from watchman_cli.status import NodeStatus
from watchman_cli.text import plain_or_quoted, printable

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
    try:
        opened, name = server_from_options(name, config, store)
    except UnknownServer as error:  # whose exit code means a status of --or here
        raise ConfigError(error.problems) from error
    if needs_no_config(config, store):
        _check_is_stored(opened, name)
    path = node_path(path)
    reached, sight = _wait(partial(_look, opened, name, path), {*until, *otherwise}, oldest, end)
    if not reached:
        status = sight.status or "not there"
        print_error(f"watchman: {name}: {plain_or_quoted(path)} is {status} after {timeout:g} s")
        raise typer.Exit(TIMED_OUT)
    print(printable(f"{name}: {path} is {sight.status}"))
    raise typer.Exit(0 if sight.status in until else OTHERWISE)


def _check_is_stored(store: Store, name: str) -> None:
    """Check that some run has tried to read a server: without a configuration, nothing else knows its name.

    Raises ConfigError and StoreError.
    """
    for field in ("status", "health"):
        try:
            if store.value(name, field) is not None:
                return
        except BadSnapshot:
            return
    advice = (
        "check the name, or name a configuration that has it with --config, to wait for its first snapshot"
    )
    raise ConfigError([f"{name}: nothing is stored for such a server in {store.url}; {advice}"])


class _Sight(NamedTuple):
    """What one snapshot says of the node: its status, or None, when it was collected, and its revision."""

    status: str | None = None
    collected_time: datetime | None = None
    revision: str | None = None


def _look(store: Store, server: str, path: str, last: _Sight) -> _Sight:
    """Return what the stored snapshot says of a node.

    Its first bytes are enough if its records are those of the last look. Otherwise all is of the snapshot
    that is read then: it may be another one than the first bytes were of. Raises NoSnapshot, BadSnapshot and
    StoreError.
    """
    from watchman_cli.readback import read_server
    from watchman_cli.snapshot import HEAD_SIZE, parse_head, parse_time

    head = parse_head(store.head(server))
    if head is not None and head.revision == last.revision:
        return last._replace(collected_time=parse_time(head.collected_time))
    found = read_server(store, server)
    assert found.snapshot is not None
    head = parse_head(found.value[:HEAD_SIZE])
    revision = head.revision if head else None
    return _Sight(found.snapshot.status(path), found.snapshot.collected_time, revision)


def _wait(
    look: Callable[[_Sight], _Sight], statuses: Collection[str], oldest: datetime, end: float
) -> tuple[bool, _Sight]:
    """Return True when the node has one of the statuses, else False at `end`, a time.monotonic().

    What the last look gave comes with it.

    No snapshot older than `oldest` counts. Raises StoreError if the store cannot be reached at first.
    """
    sight, reported, reached = _Sight(), "", False
    while True:
        try:
            sight = look(sight)
            reached, problem = True, ""
        except (StoreError, NoSnapshot, BadSnapshot) as error:
            if isinstance(error, StoreError) and not reached:
                raise
            reached, problem, sight = True, str(error), _Sight()
        if problem and problem != reported:
            print_error(f"watchman: {problem}; still waiting")
        reported = problem
        fresh = sight.collected_time is not None and sight.collected_time >= oldest
        if fresh and sight.status in statuses:
            return True, sight
        left = end - time.monotonic()
        if left <= 0:
            return False, sight
        time.sleep(min(INTERVAL, left))
