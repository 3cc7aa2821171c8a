"""The command line: it parses, calls the library, and prints. What it does is in the other modules."""

from __future__ import annotations

import enum
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from watchman_cli import __version__
from watchman_cli.errors import ConfigError, WatchmanError, print_error
from watchman_cli.signals import before_a_signal_ends, end_by_signals, leave
from watchman_cli.text import printable

if TYPE_CHECKING:
    from watchman_cli.bindings.supervisor import Probes
    from watchman_cli.config import Config
    from watchman_cli.store import Store

app = typer.Typer(
    name="watchman",
    help="Reads the state of every node of many ecFlow servers, and keeps it where everybody can read it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
config_app = typer.Typer(
    help="Works on the configuration itself.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(config_app, name="config")

CONFIG = typer.Option(
    None,
    "--config",
    metavar="FILE",
    help="Use this configuration file. Otherwise $WATCHMAN_CONFIG, ./watchman.yaml, "
    "$XDG_CONFIG_HOME/watchman/config.yaml and /etc/watchman/config.yaml are looked for, in this order.",
)
STORE = typer.Option(
    None,
    "--store",
    metavar="URL",
    help="Use this store instead of the configured one: redis://, rediss://, unix://, redis+sentinel:// "
    "or file://. One with a password goes into WATCHMAN_STORE.",
)


class LogFormat(str, enum.Enum):
    """How log lines are written."""

    text = "text"
    json = "json"


class Status(str, enum.Enum):
    """The states that a node can be in."""

    unknown = "unknown"
    complete = "complete"
    queued = "queued"
    aborted = "aborted"
    submitted = "submitted"
    active = "active"
    suspended = "suspended"


@app.callback(invoke_without_command=True)
def common(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    """Options that belong to no command."""
    if version:
        print(f"watchman {__version__}")
        raise typer.Exit


@app.command()
def collect(
    server: list[str] = typer.Option(
        [], "--server", metavar="NAME", help="Read only this server, by repo or owner/repo. May be repeated."
    ),
    dry_run: bool = typer.Option(
        False, "--dry-run", help="Read and validate, print the snapshots as JSON lines, and write nothing."
    ),
    jobs: int = typer.Option(
        32, "--jobs", min=1, max=1000, help="How many servers to read at the same time."
    ),
    reset_sync: list[str] = typer.Option(
        [],
        "--reset-sync",
        metavar="NAME",
        help="Read only this server, forgetting what earlier runs left to sync from, "
        "and turn its incremental syncs on again. May be repeated.",
    ),
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Log each step on standard error."),
    log_format: LogFormat = typer.Option(LogFormat.text, help="How to write what goes to standard error."),
    config: str | None = CONFIG,
    store: str | None = STORE,
) -> None:
    """Read every configured server once and write its snapshot to the store."""
    from watchman_cli import config as configuration

    settings = configuration.load(configuration.find(config), store=store)
    chosen = settings.select([*server, *reset_sync])
    probes = started_probes(settings)  # the bindings are imported while we import the rest
    from watchman_cli.cli.collect import collect_command

    raise typer.Exit(
        collect_command(
            settings,
            chosen,
            probes,
            dry_run=dry_run,
            jobs=jobs,
            reset_sync=bool(reset_sync),
            verbose=verbose,
            log_format=log_format.value,
        )
    )


@app.command()
def show(
    name: str = typer.Argument(metavar="OWNER/REPO", help="The server, as it is named in the configuration."),
    status: list[Status] = typer.Option(
        [],
        "--status",
        metavar="S",
        help="Show only nodes of this status, and those above them. May be repeated.",
    ),
    path: str = typer.Option("/", "--path", metavar="/SUITE", help="Show only this node and those below it."),
    depth: int | None = typer.Option(
        None, "--depth", metavar="N", min=0, help="Show N levels, and count what is below them."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the stored bytes unchanged."),
    config: str | None = CONFIG,
    store: str | None = STORE,
) -> None:
    """Read a snapshot back: how old it is, the server's state, counts per status, and the tree."""
    import shutil

    from watchman_cli import health
    from watchman_cli import snapshot as snapshots
    from watchman_cli.errors import BadSnapshot, NoSnapshot
    from watchman_cli.output import tree as drawing

    if (
        name.count("/") != 1
        or not all(name.split("/"))
        or any(part in (".", "..") for part in name.split("/"))
    ):
        raise ConfigError([f"{name}: a server is named as OWNER/REPO"])
    opened = open_store(config, store)
    try:
        value = opened.value(name, "status")
        if value is None:
            raise NoSnapshot(f"{name}: no snapshot in {opened.url}")
        snapshot = snapshots.decode(value)
    except BadSnapshot as error:
        raise BadSnapshot(f"{name}: the snapshot in {opened.url} is not valid: {error}") from error
    if as_json:
        sys.stdout.buffer.write(value)
        return
    view = drawing.View("/" + path.strip("/"), frozenset(each.value for each in status), depth)
    if snapshot.status(view.path) is None:
        raise NoSnapshot(f"{name}: it has no node {view.path}")
    height = shutil.get_terminal_size().lines if sys.stdout.isatty() else None
    record = health.decode(health.stored(opened, name))
    stale = f"stale: {printable(record.told)}" if record.failures else None
    print("\n".join(drawing.page(printable(name), snapshot, view, stale, coloured(), height)))


@app.command("list")
def list_servers(
    as_json: bool = typer.Option(False, "--json", help="Print the rows as one JSON list."),
    config: str | None = CONFIG,
    store: str | None = STORE,
) -> None:
    """Print a row per configured server: how old its snapshot is, counts per status, health."""
    from watchman_cli import config as configuration
    from watchman_cli.output import table as listing
    from watchman_cli.store import open_store as opening

    settings = configuration.load(configuration.find(config), store=store)
    rows = listing.rows(settings.servers, opening(settings.store, settings.store_named_by))
    if as_json:
        import orjson

        print(orjson.dumps([listing.as_json(row) for row in rows]).decode())
    else:
        listing.print_table(rows, coloured(), sys.stdout.isatty())
    raise typer.Exit(1 if any(row.wrong for row in rows) else 0)


@config_app.command("check")
def config_check(config: str | None = CONFIG, store: str | None = STORE) -> None:
    """Validate the configuration, and say which interpreter has the ecflow bindings."""
    from watchman_cli import config as configuration
    from watchman_cli.errors import ServerError
    from watchman_cli.store import open_store as opening

    settings = configuration.load(configuration.find(config), store=store)
    store_url = opening(settings.store, settings.store_named_by).url
    for warning in settings.warnings:
        print_error(f"warning: {warning}")
    many = "server" if len(settings.servers) == 1 else "servers"
    print(printable(f"{settings.path}: valid, {len(settings.servers)} {many}, store {store_url}"))
    try:
        with started_probes(settings) as probes:
            found = probes.bindings
            print(printable(f"ecflow {found.version}: {found.interpreter} (Python {found.python})"))
    except ServerError as error:
        raise ConfigError([str(error)]) from error


def started_probes(settings: Config) -> Probes:
    """The process that forks the probes, which a signal ends with us."""
    from watchman_cli.bindings.supervisor import Probes

    end_by_signals()
    probes = Probes(settings.ecflow_python)
    before_a_signal_ends(probes.stop)
    return probes


def open_store(config: str | None, store: str | None) -> Store:
    """The store to read back from; a configuration is needed only where nothing else names one."""
    from watchman_cli import config as configuration
    from watchman_cli.store import open_store as opening

    if config is None and (store or os.environ.get("WATCHMAN_STORE")):
        named_by = "--store" if store else "WATCHMAN_STORE"
        return opening(configuration.store_url(store, os.environ, None), named_by)
    settings = configuration.load(configuration.find(config), store=store)
    return opening(settings.store, settings.store_named_by)


def coloured() -> bool:
    """Whether standard output takes colour."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def run(arguments: Sequence[str] | None = None) -> NoReturn:
    """The command: what goes wrong becomes a line on standard error and an exit code."""
    code: Any = 1
    try:
        open_streams()
        code = app(arguments, standalone_mode=True)
    except SystemExit as exit_:
        # typer's 1 where nobody reads on, which is no error of ours
        code = 0 if isinstance(exit_.__context__, BrokenPipeError) else exit_.code
    except WatchmanError as error:
        for line in error.lines:
            print_error(line)
        code = error.exit_code
    except OSError as error:  # of standard output: what servers and stores say is told by who asked
        print_error(f"watchman: {error}")
    leave(code if isinstance(code, int) else 0)


def open_streams() -> None:
    """Put a place that takes everything where a standard stream is closed; no other file may be it."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115, PTH123 (until the process ends)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
