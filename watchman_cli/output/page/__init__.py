"""One HTML file of what the store holds of servers, which needs nothing else and no network.

All that came from outside is in it as escaped text, or in its data, which is compressed and base64. The file
forbids itself everything but its own style and script, by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from watchman_cli.check import Assessment, Limits, State, assess, assess_deadlines, worst
from watchman_cli.check.measure import measure
from watchman_cli.deadlines import listed
from watchman_cli.duration import format_lasting
from watchman_cli.output.check import describe
from watchman_cli.output.format import format_age, format_counts
from watchman_cli.output.page.nodes import STATUSES, Nodes, rows
from watchman_cli.reader import ServerStatus
from watchman_cli.snapshot import StatusRecord
from watchman_cli.text import printable

NODES_SHOWN = 500  # without script, and before anything is unfolded
CAUSES_SHOWN = 100
LIMITS = Limits()
SCRIPTS = ("tree.js", "page.js")  # in the page they are one
_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class ServerCard:
    """What the page says of a server; `index` is that of its node, None where there is no snapshot."""

    name: str
    status: ServerStatus
    state: State
    reasons: tuple[str, ...]
    counts: dict[str, int]
    index: int | None

    @property
    def stale(self) -> bool:
        """Whether the snapshot is older than it should be."""
        return is_stale(self.status)


@dataclass(frozen=True)
class Cause:
    """A node that an operator should look at: aborted with nothing aborted below it, or late."""

    server: str
    path: str
    index: int
    record: StatusRecord
    stale: bool


def is_stale(status: ServerStatus) -> bool:
    """Return whether a server's snapshot is older than it should be."""
    return status.stale_reason is not None or (status.age or 0) > LIMITS.max_age


def render(found: Sequence[ServerStatus], time: datetime) -> str:
    """Return the page of these servers, made at `time`."""
    nodes = Nodes()
    cards: list[ServerCard] = []
    causes: list[Cause] = []
    for status in found:
        assessed = assess(status, LIMITS)
        problems = assessed.problems
        if listed(status.health.deadlines or ()):
            problems += assess_deadlines(status).problems
        reasons = tuple(
            printable(text) for problem in problems for text in (describe(problem), *problem.details)
        )
        index = nodes.add(status.server, status.snapshot) if status.snapshot else None
        counts = status.snapshot.counts() if status.snapshot else {}
        state = worst(problem.state for problem in problems)
        cards.append(ServerCard(printable(status.server), status, state, reasons, counts, index))
        if index is not None:
            causes += _causes(assessed, index)
    shown = nodes.choose(NODES_SHOWN)
    style, *scripts = ((_FOLDER / name).read_text("utf-8") for name in ("style.css", *SCRIPTS))
    script = "".join(scripts)
    environment = Environment(
        loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {
        "counts": _counts,
        "before": _before,
        "lasting": _lasting,
        "printable": printable,
        "utc": _utc,
    }
    return environment.get_template("page.html.j2").render(
        time=time,
        servers=cards,
        states=Counter(card.state.name for card in cards),
        worst=worst(card.state for card in cards).name,
        all_states=[each.name for each in (State.CRITICAL, State.UNKNOWN, State.WARNING, State.OK)],
        causes=causes[:CAUSES_SHOWN],
        more_causes=len(causes[CAUSES_SHOWN:]),
        nodes=nodes,
        node_count=len(nodes.names) - nodes.depths.count(0),
        rows=rows(nodes, shown),
        statuses=STATUSES,
        stale_after=LIMITS.max_age,
        status_counts=Counter(
            record.status for record, depth in zip(nodes.records, nodes.depths, strict=True) if depth
        ),
        flags=sorted({flag for record in nodes.records for flag in record.flags}),
        shown_count=sum(nodes.depths[index] > 0 for index in shown),
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
        data=_data(nodes, shown),
    )


def _causes(assessed: Assessment, start: int) -> Iterator[Cause]:
    """Yield the root causes of a server, then its late nodes; of an old snapshot too, which is not judged."""
    snapshot = assessed.status.snapshot
    assert snapshot is not None
    measures = {each.name: each for each in assessed.measures or measure(snapshot, "/")}
    wanted = dict.fromkeys(node for name in ("aborted", "late") for node, _ in measures[name].nodes)
    if wanted:
        places = {record.path: start + place for place, record in enumerate(snapshot.records)}
        for record in wanted:
            server = printable(assessed.status.server)
            stale = is_stale(assessed.status)
            yield Cause(server, printable(record.path), places[record.path], record, stale)


def _data(nodes: Nodes, shown: Sequence[int]) -> str:
    """Return all nodes for the script: JSON, deflated, in base64.

    As plain JSON 100,000 nodes would be 1 to 3 MB; names repeat, so a tenth of that is left.
    """
    document: dict[str, Any] = {
        "words": STATUSES,
        "names": nodes.names,
        "depths": nodes.depths,
        "statuses": nodes.statuses,
        "shown": shown,
        "since": {},
        "flags": {},
    }
    for index, record in enumerate(nodes.records):
        if record.since and (seconds := record.seconds_until(nodes.times[index])) is not None:
            document["since"][str(index)] = max(0, int(seconds))
        if record.flags:
            document["flags"][str(index)] = [printable(flag) for flag in record.flags]
    return base64.b64encode(zlib.compress(orjson.dumps(document), 6)).decode()


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _counts(counts: dict[str, int]) -> str:
    return format_counts(counts, False)


def _before(moment: datetime, time: datetime) -> str:
    """Return how old something was when the page was made, for who reads it without script."""
    age = (time - moment).total_seconds()
    return format_age(age) if age < 0 else f"{format_age(age)} before this page"


def _lasting(record: StatusRecord, time: datetime) -> str:
    """Return how long a node had its status at `time`, in words; nothing where that is not known."""
    seconds = record.seconds_until(time)
    return "" if seconds is None else format_lasting(seconds)


def _utc(time: datetime) -> str:
    return f"{time.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S} UTC"
