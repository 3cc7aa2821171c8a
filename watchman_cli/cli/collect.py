"""`watchman collect`: one run over the configured servers."""

import enum
import logging
import os
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from watchman_cli.cli.completion import complete_server
from watchman_cli.cli.options import CONFIG, SHARD, STORE, load_config, shard_from_option
from watchman_cli.errors import ConfigError, ServerError, StoreError, WatchmanError
from watchman_cli.output.stream import detached
from watchman_cli.signals import install_handlers, on_signal

if TYPE_CHECKING:
    from watchman_cli.cli.metrics import MetricsWriter
    from watchman_cli.collect import Collector, Outcome
    from watchman_cli.config import Config, Server
    from watchman_cli.notify.run import Notifier
    from watchman_cli.output.log import Reporter
    from watchman_cli.store import Store

STDERR_PATIENCE = 5.0  # seconds to wait at the end of a run, if the output is not read
STDOUT_PATIENCE = 30.0
STOP_TIMEOUT = 0.5  # seconds to write the last lines on standard error if the run is interrupted
RELEASE_TIMEOUT = 2.0  # seconds to release the leases then, which a busy machine or store may need


class LogFormat(str, enum.Enum):
    """The format of log lines."""

    text = "text"
    json = "json"


class Report(str, enum.Enum):
    """The failures that are reported."""

    changes = "changes"
    always = "always"


def collect(
    server: list[str] = typer.Option(
        [],
        "--server",
        metavar="NAME",
        help="Read only this server, by repo or owner/repo. May be repeated.",
        autocompletion=complete_server,
    ),
    shard: str | None = SHARD,
    dry_run: bool = typer.Option(
        False, "--dry-run", help="Read and validate, print the snapshots as JSON lines, and write nothing."
    ),
    jobs: int = typer.Option(
        256, "--jobs", min=1, max=1000, help="Read at most this many servers at the same time."
    ),
    reset_sync: list[str] = typer.Option(
        [],
        "--reset-sync",
        metavar="NAME",
        help="Read only this server, in full, and turn its incremental syncs on again. May be repeated.",
        autocompletion=complete_server,
    ),
    report: Report = typer.Option(
        Report.changes,
        help="Report a failure as it begins, as its kind changes and as it ends, or in each run, as -v does.",
    ),
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Log each step on standard error."),
    log_format: LogFormat = typer.Option(LogFormat.text, help="The format of the log on standard error."),
    config: str | None = CONFIG,
    store: str | None = STORE,
) -> None:
    """Read each configured server once, and write its snapshot."""
    chosen_shard = shard_from_option(shard)
    if chosen_shard and (server or reset_sync):
        raise ConfigError(["--shard: it cannot be used with --server or --reset-sync, which name servers"])
    settings = load_config(config, store)
    chosen = settings.select([*server, *reset_sync])
    if chosen_shard:
        chosen = tuple(each for each in chosen if chosen_shard.has(each.name))
    install_handlers()
    _detach_stderr()
    always = verbose or report is Report.always
    reporter = _reporter(len(chosen), verbose, log_format, always=always)
    for warning in settings.warnings:
        reporter.report("", f"warning: {warning}", logging.WARNING)
    metrics = None if dry_run else _metrics_writer(settings, reporter)
    try:
        opened = None if dry_run else _connect_store(settings, chosen or settings.servers)
    except StoreError as error:
        with reporter:
            reporter.report("watchman", str(error), logging.ERROR)
            if metrics:
                metrics.write((), error.exit_code)
            if not dry_run:
                _notify(_notifier(settings, None), (), error.exit_code, reporter)
        raise typer.Exit(error.exit_code) from error
    from watchman_cli.collect import Collector

    collector = Collector(
        settings,
        chosen,
        opened,
        jobs=jobs,
        on_progress=reporter.on_progress,
        on_warnings=reporter.on_warnings,
        on_failure=lambda outcome: _is_shared(outcome) or reporter.on_failure(outcome),
        reset_sync=bool(reset_sync),
        read_always=bool(server or reset_sync),
    )
    notifier = None if dry_run else _notifier(settings, opened)
    raise typer.Exit(_exit_code(_run(collector, reporter, metrics, notifier, always=always)))


def _detach_stderr() -> None:
    """Let no thread wait for the reader of standard error."""
    stream = detached(sys.stderr, STDERR_PATIENCE)
    if stream is not None:
        sys.stderr = stream
        on_signal(lambda: stream.drain(STOP_TIMEOUT))


def _is_shared(outcome: "Outcome") -> bool:
    """Return whether many servers may have this error: then it is reported once, at the end."""
    return isinstance(outcome.error, ServerError) and outcome.error.kind == "bindings"


def _run(
    collector: "Collector",
    reporter: "Reporter",
    metrics: "MetricsWriter | None",
    notifier: "Notifier | None",
    *,
    always: bool,
) -> "list[Outcome]":
    """Make the run, and report each server's outcome as it comes."""
    began = time.monotonic()
    snapshots = detached(sys.stdout, STDOUT_PATIENCE) if collector.store is None else None

    def done(outcome: "Outcome") -> None:
        if _is_shared(outcome):
            return
        reporter.on_outcome(outcome)
        if outcome.snapshot is not None and snapshots:
            snapshots.write_bytes(outcome.snapshot + b"\n")
        elif outcome.snapshot is not None:
            sys.stdout.buffer.write(outcome.snapshot + b"\n")
            sys.stdout.buffer.flush()

    on_signal(reporter.__exit__)  # restores the cursor of a terminal
    on_signal(lambda: collector.stop(RELEASE_TIMEOUT))
    with reporter:
        outcomes = collector.run(done)
        if collector.threads_missing:
            reporter.report("watchman", collector.threads_missing, logging.WARNING)
        _report_shared_failures(outcomes, reporter, always=always)
        if metrics and not collector.interrupted:
            metrics.write(outcomes, _exit_code(outcomes), collector.store)
        if not collector.interrupted:
            _notify(notifier, outcomes, _exit_code(outcomes), reporter)
    if collector.store and not collector.interrupted:  # otherwise its connections release the leases
        collector.store.close()
    if snapshots:
        snapshots.close()
        if snapshots.error:
            raise snapshots.error
        if snapshots.stalled:
            raise WatchmanError(f"standard output: nothing was read from it for {STDOUT_PATIENCE:g} s")
    if sys.stderr.isatty() and not reporter.logs:
        from watchman_cli.output.outcome import describe_run

        print(describe_run(outcomes, time.monotonic() - began, always=always), file=sys.stderr)
    return outcomes


def _reporter(total: int, verbose: bool, log_format: LogFormat, *, always: bool) -> "Reporter":
    from watchman_cli.output.log import Reporter

    plain = total == 1 or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb"
    if verbose or log_format is LogFormat.json or plain:
        return Reporter(verbose=verbose, log_format=log_format.value, always=always)
    from watchman_cli.output.progress import Progress

    return Progress(total, always=always)


def _notifier(config: "Config", store: "Store | None") -> "Notifier | None":
    """Return the notifier of this run, or None if the configuration has no `notify`."""
    if config.notify is None:
        return None
    from watchman_cli.notify.run import Notifier

    notifier = Notifier(config, config.notify, store)
    on_signal(notifier.stop)
    return notifier


def _notify(
    notifier: "Notifier | None", outcomes: "Sequence[Outcome]", code: int, reporter: "Reporter"
) -> None:
    """Tell the causes that the run has written."""
    if notifier is None:
        return
    from watchman_cli.notify.run import Judged

    told = [Judged(o.server, o.health.notices) for o in outcomes if o.health and o.health.notices]
    notifier.tell(told, code, lambda line: reporter.report("watchman", line, logging.WARNING))


def _metrics_writer(config: "Config", reporter: "Reporter") -> "MetricsWriter | None":
    """Return the writer of this run's metrics, or None if the configuration has no `metrics_file`."""
    if config.metrics_file is None:
        return None
    from watchman_cli.cli.metrics import MetricsWriter

    return MetricsWriter(config, reporter)


def _connect_store(config: "Config", servers: "Sequence[Server]") -> "Store":
    """Return the store, once it has answered. Raises StoreError: without a store, no server is asked."""
    from watchman_cli.store import open_store

    store = open_store(config.store, config.store_source)
    shortest = min(server.deadline for server in servers)
    longest = max(server.deadline for server in servers)
    store.set_timeout(max(0.2, shortest / 4))
    while True:
        began = time.monotonic()
        try:
            store.check(began + longest)
            return store
        except StoreError as error:
            if time.monotonic() - began < 2 * longest:
                raise StoreError(
                    f"{error}; no server was asked, and every snapshot stays as it is"
                ) from error
        # otherwise this process was stopped meanwhile (SIGSTOP), which is not the store's fault


def _report_shared_failures(outcomes: "Sequence[Outcome]", reporter: "Reporter", *, always: bool) -> None:
    """Report once the errors of many servers: missing bindings, and the number of lost snapshots."""
    shared = [outcome for outcome in outcomes if _is_shared(outcome)]
    without = [outcome.error for outcome in shared]
    if any(always or outcome.told != "withheld" for outcome in shared):
        unread = f"{len(without)} servers were not read, and their snapshots stay as they are"
        reporter.report("watchman", f"{without[0]}; {unread}", logging.ERROR)
    lost = sum(outcome.result == "lost" for outcome in outcomes)
    if lost:
        what = "snapshot of 1 server was" if lost == 1 else f"snapshots of {lost} servers were"
        reporter.report("watchman", f"the {what} not written", logging.ERROR)


def _exit_code(outcomes: "Sequence[Outcome]") -> int:
    results = {outcome.result for outcome in outcomes}
    return 3 if "lost" in results else int("failed" in results)
