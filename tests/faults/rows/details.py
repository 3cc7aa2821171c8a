"""Rows: what `why`, `node` and `lint` say of details that are missing, damaged or of another time."""

from __future__ import annotations

from dataclasses import replace

from tests.faults.arrangements import details
from tests.faults.case import FaultCase

DETAILS_ROWS = tuple(
    replace(row, side="details", where="reader")
    for row in (
        FaultCase(
            "off",
            "The details of the server are not switched on",
            details.switched_off,
            "no details in",
            "nothing is said about the node; the first run with `details` keeps them",
        ),
        FaultCase(
            "kind not kept",
            "`details` is a list of kinds, and the answer needs another kind",
            details.without_triggers,
            "needs these details, which are not kept",
            "nothing is said about the node: a condition that is not kept would look as if there were none",
        ),
        FaultCase(
            "lost",
            "Redis evicted the details, or another program deleted them",
            details.lost,
            "no details in",
            "nothing is said about the node; the next run that reads a change reads all details again",
        ),
        FaultCase(
            "damaged",
            "The details in the store are damaged",
            details.damaged,
            "are damaged: the next full reading replaces them",
            "nothing is said about the node; `full_sync_every` says when that is at the latest",
        ),
        FaultCase(
            "of another snapshot",
            "The details in the store belong to another snapshot",
            details.of_another_snapshot,
            "belong to another snapshot: wait for the next run",
            "nothing is said about the node; the next run that reads a change reads all details again",
        ),
    )
)
