"""All rows, and the documentation's tables of them."""

from __future__ import annotations

from collections.abc import Iterator

from tests.faults.case import FaultCase, message_anchor
from tests.faults.rows.bindings import BINDINGS_ROWS
from tests.faults.rows.details import DETAILS_ROWS
from tests.faults.rows.https import HTTPS_ROWS
from tests.faults.rows.machine import MACHINE_ROWS
from tests.faults.rows.redis import REDIS_ROWS
from tests.faults.rows.replies import REPLY_ROWS
from tests.faults.rows.servers import NODES_ROWS, PROTOCOL_ROWS, SERVER_ROWS, SUITES_ROWS
from tests.faults.rows.stored import STORED_ROWS

GROUPS = {
    "network": (*SERVER_ROWS, *PROTOCOL_ROWS, *HTTPS_ROWS),
    "answer": (*REPLY_ROWS, *NODES_ROWS, *SUITES_ROWS),
    "bindings": BINDINGS_ROWS,
    "store": REDIS_ROWS,
    "machine": MACHINE_ROWS,
    "values": STORED_ROWS,
    "details": DETAILS_ROWS,
}
ROWS = tuple(row for name, rows in GROUPS.items() for row in rows if name != "details")  # of `collect`
FOUND_IN = {
    "error": "standard error",
    "warning": "standard error, as a warning",
    "reason": "`sync.reason`",
    "verification": "`sync.verification`",
    "reader": "standard error of `why`, `node` and `lint`",
}


def table(group: str) -> str:
    """Return the documentation's table of a group, each of whose lines has an anchor."""
    lines = ["| failure | exit code | message | action |", "| --- | --- | --- | --- |"]
    for row in GROUPS[group]:
        if row.listed:
            anchor = f'<a id="{row.anchor(group)}"></a>'
            lines.append(f"| {anchor}{row.happens} | {row.code} | {_linked(row)} | {row.action} |")
    return "\n".join(lines)


def _linked(row: FaultCase) -> str:
    """Return a row's message, with a link to its entry in the runbook; or an empty string."""
    return f"[{row.message}](runbook.md#{message_anchor(row.expected_message)})" if row.message else ""


def listed() -> Iterator[tuple[str, FaultCase]]:
    """Yield the documented rows, each with the name of its group."""
    for group, rows in GROUPS.items():
        yield from ((group, row) for row in rows if row.listed)
