"""The metrics of a run, merged with the series of earlier runs and other configurations in the file.

They are gauges of the last run: a command that ends cannot count. Each series has its configuration as a
label. For each server the later reading stays, for any order in which runs end. If a run did not read a
server, the server keeps its series, with its time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from watchman_cli.deadlines import listed
from watchman_cli.output.outcome import RESULTS
from watchman_cli.snapshot import COUNTED_FLAGS, ROOT_CAUSES, parse_time
from watchman_cli.status import NodeStatus

if TYPE_CHECKING:
    from watchman_cli.collect import Outcome
    from watchman_cli.config import Server
    from watchman_cli.health import Health

Labels = tuple[str, ...]
Series = dict[str, dict[Labels, float]]  # by the metric's name
RUN, SERVER = ("config",), ("config", "owner", "repo")
CONFIGURED = "watchman_server_configured"
RUN_BEGAN = "watchman_run_timestamp_seconds"
LAST_ATTEMPT = "watchman_server_last_attempt_timestamp_seconds"
MEGABYTE = 1 << 20
# Kinds of causes; `server` is 1 if the whole server is silenced.
SILENCED_CAUSES = ("aborted", "late", "failing", "halted", "shutdown", "server")


class Silenced(NamedTuple):
    """The silenced parts of a server: the number of causes by SILENCED_CAUSES, and the deadlines."""

    causes: Mapping[str, int]
    deadlines: Collection[str]


@dataclass(frozen=True)
class Run:
    """One run with the configuration `config`, which has all of `servers`; `code` is its exit code.

    `silenced` has the silenced parts of each server, by its name, if they are known.
    """

    config: str
    servers: Iterable[Server]
    outcomes: Sequence[Outcome]
    began: float  # seconds since 1970
    seconds: float
    code: int
    silenced: Mapping[str, Silenced] = field(default_factory=dict)


# Each metric's name, its own labels besides the configuration's and server's, and its help.
METRICS: Mapping[str, tuple[Labels, str]] = {
    RUN_BEGAN: ((), "When the last run of the configuration began."),
    "watchman_run_duration_seconds": ((), "How long that run took."),
    "watchman_run_exit_code": ((), "That run's exit code: 0, 1 if a server failed, 3 if the store failed."),
    "watchman_run_servers": (
        ("result",),
        "How many servers that run wrote, skipped, lost or failed to read.",
    ),
    CONFIGURED: ((), "1 for each server of the configuration, also if it was never read."),
    "watchman_server_up": ((), "Whether the last attempt at the server succeeded."),
    "watchman_server_last_success_timestamp_seconds": ((), "When the snapshot in the store was collected."),
    LAST_ATTEMPT: ((), "When the last attempt at the server ended."),
    "watchman_server_failures": ((), "How many runs have failed since the last good one."),
    "watchman_server_error": (("kind",), "1 for the kind of error that the last attempt failed with."),
    "watchman_server_attempts": ((), "How many tries the last attempt's run made; more than 1 are retries."),
    "watchman_server_requests": ((), "How many requests the last attempt sent to the ecFlow server."),
    "watchman_server_received_bytes": (
        (),
        "How many bytes the ecFlow server answered the last attempt with.",
    ),
    "watchman_server_duration_seconds": (("phase",), "How long each phase of the last attempt took."),
    "watchman_server_mode": (
        ("mode",),
        "1 for how the last good attempt read: unchanged, incremental or full.",
    ),
    "watchman_server_nodes": (("status",), "How many nodes have a status."),
    "watchman_server_root_causes": (
        (),
        "How many aborted nodes have no aborted node below them, as watchman check counts them.",
    ),
    "watchman_server_silenced": (
        ("cause",),
        "How many causes of alarms are silenced: aborted, late, failing, halted, shutdown; 1 for server if "
        "the whole server is.",
    ),
    "watchman_server_flagged_nodes": (("flag",), "How many nodes have a flag: late or zombie."),
    "watchman_deadline_state": (
        ("deadline", "state"),
        "1 for the state of a deadline: pending, met, missed or unknown.",
    ),
    "watchman_deadline_due_timestamp_seconds": (
        ("deadline",),
        "When a deadline is due in its present cycle.",
    ),
    "watchman_deadline_end_timestamp_seconds": (
        ("deadline",),
        "When that cycle ends, and the state of the deadline with it.",
    ),
    "watchman_deadline_next_due_timestamp_seconds": (
        ("deadline",),
        "When the next cycle is due: from then on the state is unknown, if no run has written a newer one.",
    ),
    "watchman_deadline_silenced": (("deadline",), "Whether a deadline's node is silenced."),
    "watchman_deadline_misses": (("deadline",), "How many cycles of a deadline were missed; each adds one."),
    "watchman_ecflow_info": (("version",), "1 for the version of the ecFlow server."),
    "watchman_ecflow_state": (
        ("state",),
        "1 for the state of the ecFlow server: RUNNING, HALTED or SHUTDOWN.",
    ),
    "watchman_ecflow_suites": ((), "How many suites the snapshot has."),
    "watchman_ecflow_up_since_timestamp_seconds": ((), "When the ecFlow server was started."),
    "watchman_ecflow_requests_per_second": (
        (),
        "How many requests of all its users the server had, in its last minute.",
    ),
    "watchman_ecflow_resident_memory_bytes": ((), "Resident memory of the ecFlow server; since ecFlow 5.16."),
    "watchman_ecflow_virtual_memory_bytes": ((), "Virtual memory of the ecFlow server; since ecFlow 5.16."),
}


def is_run_metric(name: str) -> bool:
    """Return True if a metric describes the run, not a server's reading."""
    return name.startswith("watchman_run_") or name == CONFIGURED


def labels_of(name: str) -> Labels:
    """Return the names of a metric's labels."""
    return (RUN if name.startswith("watchman_run_") else SERVER) + METRICS[name][0]


def merge(run: Run, left: Series, now: float) -> Series:
    """Return the series after a run, from the series in the file (`left`); `now` is the time.

    If a run began before the one in the file, it only adds the servers that it read later: the other run's
    configuration may be newer. A time after `now` is ignored: a clock was ahead.
    """
    ours = (run.config,)
    last_run = left.get(RUN_BEGAN, {}).get(ours)
    is_last = not _is_later(last_run, run.began, now)
    configured = {(*ours, server.owner, server.repo) for server in run.servers}
    attempts = left.get(LAST_ATTEMPT, {})
    read = {}
    for outcome in run.outcomes:
        key = (*ours, outcome.server.owner, outcome.server.repo)
        if not outcome.health or not outcome.health.checked_time:
            continue
        known, checked = attempts.get(key), _seconds(outcome.health.checked_time)
        of_another_host = outcome.result == "skipped"  # this file may have the same reading with more series
        if not _is_later(known, checked, now) and not (of_another_host and known == checked):
            read[key] = list(_server_metrics(outcome, outcome.health))
            if outcome.server.name in run.silenced:
                read[key] += _silenced_metrics(run.silenced[outcome.server.name], outcome.health)

    def stays(name: str, labels: Labels) -> bool:
        if labels[:1] != ours:
            return True
        if is_run_metric(name):
            return not is_last
        return labels[:3] not in read and (labels[:3] in configured or not is_last)

    series: Series = {
        name: {labels: value for labels, value in left.get(name, {}).items() if stays(name, labels)}
        for name in METRICS
    }
    if is_last:
        for name, labels, value in _run_metrics(run):
            series[name][ours + labels] = value
        series[CONFIGURED].update(dict.fromkeys(configured, 1))
    for server, metrics in read.items():
        for name, labels, value in metrics:
            series[name][server + labels] = value
    return series


def _is_later(left: float | None, ours: float, now: float) -> bool:
    """Return True if a time in the file is after ours, and not in the future."""
    return left is not None and ours < left <= now


def _run_metrics(run: Run) -> Iterator[tuple[str, Labels, float]]:
    """Yield the name, the values of the own labels, and the value of each metric of a run."""
    yield RUN_BEGAN, (), run.began
    yield "watchman_run_duration_seconds", (), run.seconds
    yield "watchman_run_exit_code", (), run.code
    for result in RESULTS:
        number = sum(outcome.result == result for outcome in run.outcomes)
        yield "watchman_run_servers", (result,), number


def _server_metrics(outcome: Outcome, health: Health) -> Iterator[tuple[str, Labels, float]]:
    """Yield the name, the values of the own labels, and the value of each metric of a server."""
    yield "watchman_server_up", (), health.ok
    if health.collected_time:
        yield "watchman_server_last_success_timestamp_seconds", (), _seconds(health.collected_time)
    yield LAST_ATTEMPT, (), _seconds(health.checked_time)
    yield "watchman_server_failures", (), health.failures
    if health.error:
        yield "watchman_server_error", (health.error.kind,), 1
    yield "watchman_server_attempts", (), health.attempts
    if health.requests is not None:
        yield "watchman_server_requests", (), health.requests
    if outcome.result != "skipped":
        yield "watchman_server_received_bytes", (), outcome.received
    for phase, seconds in outcome.phases.items():
        yield "watchman_server_duration_seconds", (phase,), seconds
    if health.mode:
        yield "watchman_server_mode", (health.mode,), 1
    for name, number in (health.counts or {}).items():
        if name in COUNTED_FLAGS:
            yield "watchman_server_flagged_nodes", (name,), number
        elif name in NodeStatus.__members__:
            yield "watchman_server_nodes", (name,), number
        elif name == ROOT_CAUSES:
            yield "watchman_server_root_causes", (), number
        elif name == "suites":
            yield "watchman_ecflow_suites", (), number
    for known in listed(health.deadlines):
        state = known.at(parse_time(health.checked_time))
        yield "watchman_deadline_state", (state.deadline, state.state), 1
        yield "watchman_deadline_due_timestamp_seconds", (state.deadline,), state.due.timestamp()
        end, next_due = state.next_cycle
        yield "watchman_deadline_end_timestamp_seconds", (state.deadline,), end.timestamp()
        yield "watchman_deadline_next_due_timestamp_seconds", (state.deadline,), next_due.timestamp()
        yield "watchman_deadline_misses", (state.deadline,), state.misses
    if health.server_version:
        yield "watchman_ecflow_info", (health.server_version,), 1
    reading = outcome.reading
    if reading is None:
        return
    yield "watchman_ecflow_state", (reading.server_state,), 1
    if reading.up_since:
        yield "watchman_ecflow_up_since_timestamp_seconds", (), _seconds(reading.up_since)
    if "requests_per_second" in reading.vitals:
        yield "watchman_ecflow_requests_per_second", (), reading.vitals["requests_per_second"]
    for kind in ("resident", "virtual"):
        megabytes = reading.vitals.get(f"{kind}_memory_megabytes")
        if megabytes is not None:
            yield f"watchman_ecflow_{kind}_memory_bytes", (), megabytes * MEGABYTE


def _silenced_metrics(silenced: Silenced, health: Health) -> Iterator[tuple[str, Labels, float]]:
    """Yield the metrics of a server's silenced causes and deadlines; 0 if one is not silenced."""
    for cause in SILENCED_CAUSES:
        yield "watchman_server_silenced", (cause,), silenced.causes.get(cause, 0)
    for known in listed(health.deadlines):
        yield "watchman_deadline_silenced", (known.deadline,), known.deadline in silenced.deadlines


def _seconds(time: str) -> float:
    """Return an ISO 8601 time as seconds since 1970."""
    return parse_time(time).timestamp()
