"""All rows, and the documentation's table of them."""

from __future__ import annotations

from tests.faults.rows.bindings import BINDINGS_ROWS
from tests.faults.rows.https import HTTPS_ROWS
from tests.faults.rows.machine import MACHINE_ROWS
from tests.faults.rows.redis import REDIS_ROWS
from tests.faults.rows.replies import REPLY_ROWS
from tests.faults.rows.servers import PROTOCOL_ROWS, SERVER_ROWS, SUITES_ROWS
from tests.faults.rows.stored import STORED_ROWS

ROWS = (
    *SERVER_ROWS, *PROTOCOL_ROWS, *SUITES_ROWS, *HTTPS_ROWS, *REPLY_ROWS, *BINDINGS_ROWS,
    *MACHINE_ROWS, *REDIS_ROWS, *STORED_ROWS,
)  # fmt: skip


def table() -> str:
    """Return the documentation's table of what goes wrong."""
    head = ("| what happens | exit code | message | action |", "| --- | --- | --- | --- |")
    return "\n".join([*head, *(row.line for row in ROWS if row.listed)])
