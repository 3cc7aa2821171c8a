"""`watchman wait`: its options, and the exit code of a wait."""

from __future__ import annotations

import math
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

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
from watchman_cli.errors import BadSnapshot, ConfigError, UnknownServer, print_error
from watchman_cli.signals import install_handlers
from watchman_cli.status import NodeStatus
from watchman_cli.text import plain_or_quoted, printable

if TYPE_CHECKING:
    from watchman_cli.store import Store

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
    except UnknownServer as error:  # its exit code, 1, means a status of --or here
        raise ConfigError(error.problems) from error
    if needs_no_config(config, store):
        _check_is_stored(opened, name)
    path = node_path(path)
    from watchman_cli.wait import wait_in

    waited = wait_in(opened, name, path, {*until, *otherwise}, oldest, end, _report)
    status = waited.last.status
    if not waited.reached:
        status = status or "not there"
        print_error(f"watchman: {name}: {plain_or_quoted(path)} is {status} after {timeout:g} s")
        raise typer.Exit(TIMED_OUT)
    print(printable(f"{name}: {path} is {status}"))
    raise typer.Exit(0 if status in until else OTHERWISE)


def _report(problem: str) -> None:
    print_error(f"watchman: {problem}; still waiting")


def _check_is_stored(store: Store, name: str) -> None:
    """Check that a run has tried to read a server: without a configuration, only the store knows its name.

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
    raise ConfigError([f"{name}: nothing is stored for this server in {store.url}; {advice}"])
