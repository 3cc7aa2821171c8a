"""What `watchman collect` does around a run: what it tells, and its exit code."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence

from watchman_cli.bindings.supervisor import Probes
from watchman_cli.collect import Outcome, Run
from watchman_cli.config import Config, Server
from watchman_cli.errors import ServerError, StoreError
from watchman_cli.output.log import Progress, Reporter
from watchman_cli.signals import before_a_signal_ends
from watchman_cli.store import Store, open_store

RESULTS = ("written", "skipped", "failed", "lost")
WAYS = {"unchanged": "unchanged", "incremental": "synced incrementally", "full": "synced in full"}
STOP_LIMIT = 0.5  # seconds for the threads to give their leases back when the run is interrupted


def collect_command(
    config: Config,
    servers: Sequence[Server],
    probes: Probes,
    *,
    dry_run: bool,
    jobs: int,
    reset_sync: bool,
    verbose: bool,
    log_format: str,
) -> int:
    """Make one run, tell of it, and return the exit code."""
    alone = len(servers) == 1 or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb"
    with probes:
        reporter: Reporter
        if verbose or log_format == "json" or alone:
            reporter = Reporter(verbose=verbose, log_format=log_format)
        else:
            reporter = Progress(len(servers))
        for warning in config.warnings:
            reporter.failure("", f"warning: {warning}", logging.WARNING)
        try:
            store = None if dry_run else _opened(config, servers)  # while the bindings are imported
        except StoreError as error:
            with reporter:
                reporter.failure("watchman", str(error), logging.ERROR)
            return error.exit_code
        began = time.monotonic()
        run = Run(config, servers, store, probes, jobs=jobs, listener=reporter.state, reset_sync=reset_sync)

        def done(outcome: Outcome) -> None:
            if isinstance(outcome.error, ServerError) and outcome.error.kind == "bindings":
                return  # one error of all servers, told once below
            reporter.done(outcome)
            if outcome.snapshot is not None:
                sys.stdout.buffer.write(outcome.snapshot + b"\n")
                sys.stdout.buffer.flush()

        before_a_signal_ends(reporter.__exit__)  # gives a terminal its cursor back
        before_a_signal_ends(lambda: run.stop(STOP_LIMIT))
        with reporter:
            outcomes = run.outcomes(done)
            _tell_of_all(outcomes, reporter)
        if store:
            store.close()
    _conclude(outcomes, time.monotonic() - began, quiet=reporter.logs)
    code = 1 if any(outcome.result == "failed" for outcome in outcomes) else 0
    code = 3 if any(outcome.result == "lost" for outcome in outcomes) else code
    return code


def _tell_of_all(outcomes: Sequence[Outcome], reporter: Reporter) -> None:
    """Tell once of what concerns many servers: no bindings, and how many snapshots were lost."""
    without = [o.error for o in outcomes if isinstance(o.error, ServerError) and o.error.kind == "bindings"]
    if without:
        unread = f"{len(without)} servers were not read, and their snapshots stay as they are"
        reporter.failure("watchman", f"{without[0]}; {unread}", logging.ERROR)
    lost = sum(outcome.result == "lost" for outcome in outcomes)
    if lost:
        many = "server was" if lost == 1 else "servers were"
        reporter.failure("watchman", f"the snapshots of {lost} {many} not written", logging.ERROR)


def _opened(config: Config, servers: Sequence[Server]) -> Store:
    """The store, once it has answered: without it no server need be asked. Raises StoreError."""
    store = open_store(config.store, config.store_named_by)
    shortest = min(server.deadline for server in servers)
    store.set_timeout(max(0.2, shortest / 4))
    try:
        store.check(time.monotonic() + max(server.deadline for server in servers))
    except StoreError as error:
        raise StoreError(f"{error}; no server was asked, and every snapshot stays as it is") from error
    return store


def _conclude(outcomes: Sequence[Outcome], seconds: float, quiet: bool) -> None:
    """The last line, on a terminal: what was done."""
    if quiet or not sys.stderr.isatty():
        return
    found = Counter(outcome.result for outcome in outcomes)
    ways = Counter(outcome.report["way"] for outcome in outcomes if outcome.report)
    how = ", ".join(f"{ways[way]} {words}" for way, words in WAYS.items() if ways[way])
    words = [f"{found[result]} {result}" for result in RESULTS if found[result]]
    print(f"{', '.join(words)} in {seconds:.2f} s{f' ({how})' if how else ''}", file=sys.stderr)
