"""The metrics of a run, in the text format that node_exporter's textfile collector reads.

They are gauges of the last run: a command that ends cannot count. What a run did not read keeps its series
of the run before, with its time: a run of some servers changes no others.

The text is written here, in a few lines that a test compares with prometheus_client's own, since importing
it would be a tenth of a small run. It reads what an earlier run left, where some of that is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from watchman_cli.deadlines import listed
from watchman_cli.snapshot import COUNTED_FLAGS, parse_time
from watchman_cli.status import NodeStatus

if TYPE_CHECKING:
    from watchman_cli.collect import Outcome
    from watchman_cli.config import Server
    from watchman_cli.health import Health

Labels = tuple[str, ...]
Series = dict[str, dict[Labels, float]]  # by the metric's name
SERVER = ("owner", "repo")
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Run:
    """One run; `complete` where it was over all configured servers, and `code` its exit code."""

    outcomes: Sequence[Outcome]
    began: float  # seconds since 1970
    seconds: float
    code: int
    complete: bool


# Each metric's name, its labels besides those of the server, and its help; a name of a run has no server.
METRICS: Mapping[str, tuple[Labels, str]] = {
    "watchman_run_timestamp_seconds": ((), "When the last run over all servers began."),
    "watchman_run_duration_seconds": ((), "How long that run took."),
    "watchman_run_exit_code": (
        (),
        "What that run ended with: 0, 1 where a server failed, 3 where the store did.",
    ),
    "watchman_run_servers": (
        ("result",),
        "How many servers that run wrote, skipped, lost or failed to read.",
    ),
    "watchman_server_up": ((), "Whether the last attempt at the server succeeded."),
    "watchman_server_last_success_timestamp_seconds": ((), "When the snapshot in the store was collected."),
    "watchman_server_last_attempt_timestamp_seconds": ((), "When the last attempt at the server ended."),
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


def labels_of(name: str) -> Labels:
    """Return the names of a metric's labels."""
    return METRICS[name][0] if name.startswith("watchman_run_") else SERVER + METRICS[name][0]


def render(run: Run, servers: Iterable[Server], before: Callable[[], str]) -> bytes:
    """Return the text after a run; `servers` are all that are configured.

    `before` returns the text of the run before. It is called only where some of that is kept.
    """
    series: Series = {name: {} for name in METRICS}
    read = {outcome.server.name for outcome in run.outcomes if outcome.health}
    kept: set[Labels] = {(each.owner, each.repo) for each in servers if each.name not in read}
    if kept or not run.complete:
        _keep(series, before(), kept, with_run=not run.complete)
    if run.complete:
        _add_run(series, run)
    for outcome in run.outcomes:
        if outcome.health:
            of_server = outcome.server.owner, outcome.server.repo
            for name, labels, value in _of_server(outcome, outcome.health):
                series[name][of_server + labels] = value
    return encode(series)


def encode(series: Series) -> bytes:
    """Return the text of each metric that has any value, in Prometheus's text format 0.0.4."""
    return "".join(_lines(series)).encode()


def _lines(series: Series) -> Iterator[str]:
    for name, found in series.items():
        if found:
            yield f"# HELP {name} {METRICS[name][1]}\n# TYPE {name} gauge\n"
        for values in sorted(found):
            pairs = sorted(zip(labels_of(name), values, strict=True))
            labels = ",".join(f'{label}="{_escaped(value)}"' for label, value in pairs)
            yield f"{name}{{{labels}}}" if labels else name
            yield f" {float(found[values])!r}\n"


def _escaped(value: str) -> str:
    """Return a label's value as it stands between quotes."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _keep(series: Series, text: str, servers: set[Labels], *, with_run: bool) -> None:
    """Keep what a text has of these servers, and of the run if wanted; nothing of what is no metrics."""
    from prometheus_client.parser import text_string_to_metric_families

    try:
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    except ValueError:  # damaged, or of something else
        return
    for sample in samples:
        if sample.name not in METRICS or set(sample.labels) != set(labels_of(sample.name)):
            continue
        labels = tuple(sample.labels[label] for label in labels_of(sample.name))
        of_run = sample.name.startswith("watchman_run_")
        if with_run if of_run else labels[:2] in servers:
            series[sample.name][labels] = sample.value


def _add_run(series: Series, run: Run) -> None:
    series["watchman_run_timestamp_seconds"][()] = run.began
    series["watchman_run_duration_seconds"][()] = run.seconds
    series["watchman_run_exit_code"][()] = run.code
    for result in ("written", "skipped", "failed", "lost"):
        number = sum(outcome.result == result for outcome in run.outcomes)
        series["watchman_run_servers"][(result,)] = number


def _of_server(outcome: Outcome, health: Health) -> Iterator[tuple[str, Labels, float]]:
    """Yield a name, the labels' values besides the server's, and the value of each of a server's metrics."""
    yield "watchman_server_up", (), health.ok
    if health.collected_time:
        yield "watchman_server_last_success_timestamp_seconds", (), _seconds(health.collected_time)
    yield "watchman_server_last_attempt_timestamp_seconds", (), _seconds(health.checked_time)
    yield "watchman_server_failures", (), health.failures
    if health.error:
        yield "watchman_server_error", (health.error["kind"],), 1
    yield "watchman_server_attempts", (), outcome.attempts
    yield "watchman_server_requests", (), outcome.requests
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
        elif name == "suites":
            yield "watchman_ecflow_suites", (), number
    for known in listed(health.deadlines or ()):
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


def _seconds(time: str) -> float:
    """Return an ISO 8601 time in seconds since 1970."""
    return parse_time(time).timestamp()
