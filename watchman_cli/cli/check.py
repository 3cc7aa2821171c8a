"""`watchman check`: a plugin for Nagios, Icinga and other monitoring systems that run their plugins."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from typer.core import TyperCommand

from watchman_cli.cli.completion import OPTIONAL_SERVER, complete_path
from watchman_cli.cli.options import (
    CONFIG,
    STORE,
    deadlines_from_options,
    duration,
    maintenance_from_options,
    node_path,
    servers_from_options,
)
from watchman_cli.cli.unexpected import report
from watchman_cli.errors import ConfigError, WatchmanError

if TYPE_CHECKING:
    from watchman_cli.check import Assessment, MeasureName, Range
    from watchman_cli.output.check import Reasons
    from watchman_cli.readback import StoredServer
    from watchman_cli.store import Store


class PluginCommand(TyperCommand):
    """A command that ends with UNKNOWN if its options are invalid: the usual 2 would mean CRITICAL."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Return the command's context, or end the process."""
        try:
            return super().make_context(*arguments, **options)
        except Exception as error:
            message = getattr(error, "format_message", None)
            if message is None:  # not a click error; typer has its own copy of click
                raise
            _unknown(message())


def _unknown(message: str) -> NoReturn:
    """Print the reason on standard output, for monitoring systems, and end with UNKNOWN."""
    sys.exit(report(["check"], message.replace("\n", "; ")))


def check(
    name: str | None = OPTIONAL_SERVER,
    every: bool = typer.Option(False, "--all", help="Check every server of the configuration."),
    path: str = typer.Option(
        "/",
        "--path",
        metavar="/SUITE",
        help="Check this node and those below it.",
        autocompletion=complete_path,
    ),
    deadlines: bool = typer.Option(
        False,
        "--deadlines",
        help="Check the deadlines that the configuration names, in place of the nodes.",
    ),
    lint: bool = typer.Option(
        False,
        "--lint",
        help="Check the triggers, completes and limits, in place of the nodes: CRITICAL if one can end the "
        "server, WARNING if one cannot be meant. Needs `details: true`.",
    ),
    max_age: float = typer.Option(
        "3m",
        "--max-age",
        metavar="TIME",
        parser=duration,
        help="Report UNKNOWN if the snapshot is older than this, or CRITICAL if runs fail, too.",
    ),
    warning: list[str] = typer.Option(
        [],
        "--warning",
        "-w",
        metavar="MEASURE=RANGE",
        help="Warn if a measure (aborted, late, queued or active_for) is outside a range of the plugin "
        "guidelines, such as late=3, queued=1: or active_for=2h. May be repeated.",
    ),
    critical: list[str] = typer.Option(
        [],
        "--critical",
        "-c",
        metavar="MEASURE=RANGE",
        help="As --warning, for CRITICAL. If neither names them, aborted=0 is critical and late=0 warns.",
    ),
    config: str | None = CONFIG,
    store: str | None = STORE,
) -> None:
    """Report a server's state to a monitoring system.

    It reads the store alone. It exits with 0 OK, 1 WARNING, 2 CRITICAL or 3 UNKNOWN, as the Monitoring
    Plugins Guidelines say.
    """
    from watchman_cli.check import Thresholds, assess, assess_deadlines, worst
    from watchman_cli.output.check import render
    from watchman_cli.readback import read_servers
    from watchman_cli.snapshot import decode_later

    try:
        thresholds = Thresholds(
            node_path(path), max_age, _ranges("--warning", warning), _ranges("--critical", critical)
        )
        for option, given in (("--deadlines", deadlines), ("--lint", lint)):
            if given and (path != "/" or warning or critical):
                raise ConfigError([f"{option}: cannot be used with --path, --warning or --critical"])
        if deadlines and lint:
            raise ConfigError(["--deadlines: cannot be used with --lint"])
        if every == bool(name):
            raise ConfigError(["name one server as OWNER/REPO, or --all"])
        opened, names = servers_from_options([name] if name else [], config, store)
        maintenance = maintenance_from_options(config, store)
        known = deadlines_from_options(config, store) if deadlines else {}
        stored = read_servers(opened, names, decode_later, maintenance)
        reasons: Reasons = {}
        if deadlines:
            assessments = [assess_deadlines(each, known.get(each.server, ())) for each in stored]
        elif lint:
            assessments = _lint(opened, stored, max_age)
        else:
            assessments = [assess(each, thresholds) for each in stored]
            reasons = _reasons(opened, assessments, every)
    except WatchmanError as error:
        _unknown(str(error))
    print(render(assessments, thresholds, every, reasons))
    raise typer.Exit(worst(each.state for each in assessments))


def _lint(store: Store, stored: Sequence[StoredServer], max_age: float) -> list[Assessment]:
    """Return what is wrong with the expressions of each server."""
    from functools import partial

    from watchman_cli.check.lint import assess_lint
    from watchman_cli.nodes import lint_in
    from watchman_cli.output.check import NODES_SHOWN

    most = max(1, NODES_SHOWN // len(stored))
    return [assess_lint(each, max_age, most, partial(lint_in, store)) for each in stored]


def _reasons(store: Store, assessments: Sequence[Assessment], together: bool) -> Reasons:
    """Return the reason of the abort of each node that is shown; none of a server that keeps no details.

    They are beside the point: no error in reading them hides the state.
    """
    from watchman_cli.output.check import NODES_SHOWN, nodes_for_each, nodes_shown

    limit = nodes_for_each(assessments) if together else NODES_SHOWN
    found = {}
    for each in assessments:
        paths = [node.path for node in nodes_shown(each, limit)[0] if node.status == "aborted"]
        if paths:
            from watchman_cli.beside import read_reasons

            with suppress(WatchmanError):
                found[each.stored.server] = read_reasons(store, each.stored, paths)
    return found


def _ranges(option: str, thresholds: Sequence[str]) -> dict[MeasureName, Range]:
    """Return the range of each measure in an option's values. Raises ConfigError."""
    from watchman_cli.check import parse_threshold

    try:
        return dict(parse_threshold(each) for each in thresholds)
    except ValueError as error:
        raise ConfigError([f"{option}: {error}"]) from error
