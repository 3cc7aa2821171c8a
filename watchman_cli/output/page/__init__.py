"""An HTML page of the stored servers: one file, which needs no other file and no network.

All text from outside is escaped, or is in the page's data, which is compressed and in base64. The page allows
only its own style and script, by their hashes.
"""

from __future__ import annotations

import base64
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from watchman_cli.check import DEFAULT_THRESHOLDS, Assessment, State, judge, severity, worst
from watchman_cli.output.page.card import ServerCard, make_card
from watchman_cli.output.page.causes import Cause, find_causes
from watchman_cli.output.page.nodes import STATUSES, Nodes, rows
from watchman_cli.output.page.notes import Note, Notes, join_notes
from watchman_cli.output.page.template import fill
from watchman_cli.readback import StoredServer
from watchman_cli.text import printable

NODES_SHOWN = 500  # without script, and before a user unfolds anything
NO_NOTE = "This page has no details of this node: `watchman why` and `watchman node` have them."
REFRESH = 60  # seconds after which an open page reloads itself


def render(servers: Sequence[StoredServer], time: datetime, notes: Mapping[str, Notes] | None = None) -> str:
    """Return the page of these servers, made at `time`: the worst servers and causes come first.

    `notes` has what there is to say of single nodes, by the server.
    """
    nodes = Nodes()
    judged = [
        (judge(stored), nodes.add(stored.server, stored.snapshot) if stored.snapshot else None)
        for stored in servers
    ]
    found = _find_notes(judged, notes or {})
    causes, more_causes = find_causes(judged)
    return fill(
        {
            "time": time,
            "refresh": REFRESH,
            "stale_after": DEFAULT_THRESHOLDS.max_age,
            **_server_content(judged),
            **_node_content(nodes),
            "causes": [(cause, _note_of(cause, found)) for cause in causes],
            "more_causes": more_causes,
            "notes": found,
            "notes_data": _encode_notes(found) if found else "",
        }
    )


def _server_content(judged: Sequence[tuple[Assessment, int | None]]) -> Mapping[str, Any]:
    """Return the content of the page's header and cards."""
    cards: list[ServerCard] = [make_card(assessment, index) for assessment, index in judged]
    cards.sort(key=lambda card: severity(card.state), reverse=True)
    return {
        "servers": cards,
        "states": Counter(card.state.name for card in cards),
        "worst": worst(card.state for card in cards).name,
        "all_states": [each.name for each in (State.CRITICAL, State.UNKNOWN, State.WARNING, State.OK)],
    }


def _node_content(nodes: Nodes) -> Mapping[str, Any]:
    """Return the content of the page's tree and its controls, and the data for the script."""
    shown = nodes.choose(NODES_SHOWN)
    statuses = (record.status for record, depth in zip(nodes.records, nodes.depths, strict=True) if depth)
    return {
        "nodes": nodes,
        "node_count": len(nodes.names) - nodes.depths.count(0),
        "rows": rows(nodes, shown),
        "statuses": STATUSES,
        "status_counts": Counter(statuses),
        "flags": sorted({flag for record in nodes.records for flag in record.flags}),
        "shown_count": sum(nodes.depths[index] > 0 for index in shown),
        "data": _encode_nodes(nodes, shown),
    }


def _find_notes(
    judged: Sequence[tuple[Assessment, int | None]], notes: Mapping[str, Notes]
) -> Mapping[int, Note]:
    """Return the notes by the index of their node."""
    found: dict[int, Note] = {}
    for assessment, start in judged:
        of_server = notes.get(assessment.stored.server)
        if of_server and start is not None:
            assert assessment.stored.snapshot
            for place, record in enumerate(assessment.stored.snapshot.records):
                if record.path in of_server:
                    found[start + place] = of_server[record.path]
    return found


def _note_of(cause: Cause, notes: Mapping[int, Note]) -> Note:
    """Return the note of a line's node, or the joined one of its many nodes."""
    of_nodes = [notes.get(index, ()) for index in cause.nodes]
    return of_nodes[0] if len(of_nodes) == 1 else join_notes(of_nodes)


def _encode_notes(notes: Mapping[int, Note]) -> str:
    """Return the notes for the script."""
    lines = {str(index): [tuple(line) for line in note] for index, note in notes.items()}
    return _packed({"notes": lines, "hint": NO_NOTE})


def _encode_nodes(nodes: Nodes, shown: Sequence[int]) -> str:
    """Return all nodes for the script: JSON, compressed, in base64.

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
    return _packed(document)


def _packed(document: Mapping[str, Any]) -> str:
    return base64.b64encode(zlib.compress(orjson.dumps(document), 6)).decode()
