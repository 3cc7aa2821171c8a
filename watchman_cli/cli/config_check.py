"""`watchman config check`: check the configuration, the bindings, the store and the servers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import typer

from watchman_cli.cli.options import CONFIG, STORE, load_config
from watchman_cli.errors import ConfigError, StoreError, print_error
from watchman_cli.signals import install_handlers, on_signal
from watchman_cli.text import printable

if TYPE_CHECKING:
    from watchman_cli.bindings import Bindings
    from watchman_cli.config import Config
    from watchman_cli.store import Store

IMPORT_TIMEOUT = 60.0  # seconds for interpreters to import the bindings, also from a slow file system
STORE_TIMEOUT = 20.0  # seconds for the store to answer
PROBES = 8  # servers whose keys are tried in the store at the same time
JOBS = 32  # servers that are asked at the same time


def config_check(
    connect: bool = typer.Option(
        False,
        "--connect",
        help="Ask every server, as a run would, and try each command that a run sends to the store, under "
        "names of its own that are deleted at once.",
    ),
    config: str | None = CONFIG,
    store: str | None = STORE,
) -> None:
    """Validate the configuration, and look for the ecflow bindings."""
    from watchman_cli.store import open_store

    settings = load_config(config, store)
    store_url = open_store(settings.store, settings.store_source).url
    for warning in settings.warnings:
        print_error(f"warning: {warning}")
    many = "server" if len(settings.servers) == 1 else "servers"
    files = f" in {len(settings.included) + 1} files" if settings.included else ""
    print(printable(f"{settings.path}: valid, {len(settings.servers)} {many}{files}, store {store_url}"))
    _print_deadlines(settings)
    install_handlers()
    _check_bindings(settings)
    if settings.notify is not None:
        from watchman_cli.notify.check import find_problems

        problems = list(find_problems(settings.notify))
        if problems:
            raise ConfigError(problems)
    if connect and not _check_connections(settings):
        raise typer.Exit(1)


def _print_deadlines(settings: Config) -> None:
    """Print the next due time of each deadline, in its zone and in UTC."""
    from watchman_cli.deadlines import next_cycle

    now = datetime.now(timezone.utc)
    for server in settings.servers:
        for deadline in server.deadlines:
            due = next_cycle(deadline, now).due
            local = (
                ""
                if deadline.zone == "UTC"
                else f" ({due.astimezone(deadline.tzinfo):%H:%M} {deadline.zone})"
            )
            print(printable(f"{server.name}: {deadline}: next due {due:%a %Y-%m-%d %H:%M} UTC{local}"))


def find_bindings(named: str | None) -> Bindings:
    """Return where a run finds the bindings. Raises BindingsMissing or BindingsFailed."""
    from watchman_cli.bindings import Referee

    referee = Referee(named)
    on_signal(referee.stop)
    return referee.find(time.monotonic() + IMPORT_TIMEOUT)


def _check_bindings(settings: Config) -> None:
    """Print the bindings' interpreter. Raises ConfigError if they are missing and a server needs them."""
    from watchman_cli.bindings import BindingsFailed, BindingsMissing

    try:
        bindings = find_bindings(settings.ecflow_python)
        print(printable(f"ecflow {bindings.version}: {bindings.interpreter} (Python {bindings.python})"))
    except (BindingsMissing, BindingsFailed) as error:
        if any(server.reader == "bindings" for server in settings.servers):
            raise ConfigError([str(error)]) from error
        print(printable(f"no server is verified by the ecflow bindings: {error}"))


def _check_connections(settings: Config) -> bool:
    """Print a line for each store and server; return True if all of them answer."""
    from watchman_cli.collect.connection import try_connections
    from watchman_cli.output.connection import describe_connection

    kept = {
        server.name: {"changes": server.changes, "details": server.details} for server in settings.servers
    }
    answers = [_check_store(settings.store, settings.store_source, kept)]
    if settings.sync_cache.startswith("/"):
        without = {name: {"changes": False, "details": False} for name in kept}
        answers.append(_check_store(f"file://{settings.sync_cache}", "sync_cache", without))
    for connection in try_connections(settings.servers, JOBS):
        print(describe_connection(connection), flush=True)
        answers.append(connection.error is None)
    if settings.notify is not None:
        from watchman_cli.notify.check import try_receivers

        for name, why in try_receivers(settings.notify):
            print(printable(f"{name}: {why or 'ok'}"), flush=True)
            answers.append(why is None)
    return all(answers)


def _check_store(url: str, source: str, kept: Mapping[str, Mapping[str, bool]]) -> bool:
    """Try the commands of a run in a store for each server, and print the errors; return True if all work.

    `kept` says for each server if its changes and its details are kept.
    """
    from watchman_cli.store import open_store

    opened, deadline = open_store(url, source), time.monotonic() + STORE_TIMEOUT
    try:
        opened.check(deadline)
        failed = _probe(opened, deadline, kept)
    except StoreError as error:
        failed = {str(error): []}
    finally:
        opened.close()
    for problem, names in failed.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        tried = f" (tried for {names[0]}{more})" if names else ""
        print(printable(f"{problem}{tried}; check {source}"), flush=True)
    if not failed:
        print(printable(f"store {opened.url}: ok"), flush=True)
    return not failed


def _probe(opened: Store, deadline: float, kept: Mapping[str, Mapping[str, bool]]) -> dict[str, list[str]]:
    """Return the error of each command that fails, and the servers for which it fails."""
    from concurrent.futures import ThreadPoolExecutor

    from watchman_cli.store.probe import probe

    failed: dict[str, list[str]] = {}
    with ThreadPoolExecutor(PROBES, thread_name_prefix="watchman") as pool:
        pending = {name: pool.submit(probe, opened, name, deadline, **parts) for name, parts in kept.items()}
        for name, future in pending.items():
            try:
                future.result()
            except StoreError as error:
                failed.setdefault(str(error).replace(name, "OWNER/REPO"), []).append(name)
    return failed
