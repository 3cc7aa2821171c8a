"""One HTML file of what the store holds of servers, which needs nothing else and no network.

All that came from outside is in it as escaped text, or in its data, which is compressed and base64. The file
forbids itself everything but its own style and script, by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from watchman_cli.check import State, judge, severity, worst
from watchman_cli.check.judge import DEFAULT_LIMITS
from watchman_cli.duration import format_lasting
from watchman_cli.output.format import format_age, format_counts
from watchman_cli.output.page.card import make_card
from watchman_cli.output.page.causes import find_causes
from watchman_cli.output.page.nodes import STATUSES, Nodes, rows
from watchman_cli.readback import StoredServer
from watchman_cli.snapshot import StatusRecord
from watchman_cli.text import printable

NODES_SHOWN = 500  # without script, and before anything is unfolded
REFRESH = 60  # seconds after which an open page reloads itself
SCRIPTS = ("ages.js", "nodes.js", "tree.js", "place.js", "page.js")  # in the page they are one
_FOLDER = Path(__file__).parent


def render(found: Sequence[StoredServer], time: datetime) -> str:
    """Return the page of these servers, made at `time`: servers and causes are in it the worst first."""
    nodes = Nodes()
    judged = [
        (judge(status), nodes.add(status.server, status.snapshot) if status.snapshot else None)
        for status in found
    ]
    causes, more_causes = find_causes(judged)
    cards = [make_card(each, index) for each, index in judged]
    cards.sort(key=lambda card: severity(card.state), reverse=True)
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
        causes=causes,
        more_causes=more_causes,
        nodes=nodes,
        node_count=len(nodes.names) - nodes.depths.count(0),
        rows=rows(nodes, shown),
        statuses=STATUSES,
        refresh=REFRESH,
        stale_after=DEFAULT_LIMITS.max_age,
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


def _counts(counts: Mapping[str, int]) -> str:
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
