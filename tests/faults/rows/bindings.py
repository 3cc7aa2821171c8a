"""Rows of the ecflow bindings: as the referee, and as the only reader."""

from __future__ import annotations

from dataclasses import replace

from tests.faults.arrangements import bindings
from tests.faults.case import FaultCase

HARMLESS = "the snapshot is written; the health record says why it is not verified"
CRASH = "import ctypes; ctypes.string_at(0)"

REFEREE_ROWS = tuple(
    replace(row, side="bindings", code=0, where="verification" if row.where == "error" else row.where)
    for row in (
        FaultCase(
            "missing",
            "No interpreter has the ecFlow bindings, and they are due to read a server",
            bindings.missing,
            "no Python with the ecflow bindings",
            f"{HARMLESS}, and how to get them",
        ),
        FaultCase(
            "import crashes",
            "Importing the bindings crashes the interpreter",
            bindings.crashing_at_once,
            "importing them ended the interpreter (SIGSEGV)",
            HARMLESS,
        ),
        FaultCase(
            "import hangs",
            "Importing the bindings does not end",
            bindings.hanging,
            "not verified: the ecflow bindings were not imported in time",
            f"{HARMLESS}; the bindings are killed at the deadline",
        ),
        FaultCase(
            "crash",
            "The bindings crash over a server",
            bindings.crashing,
            "not verified: the bindings' process died (SIGSEGV)",
            HARMLESS,
        ),
        FaultCase(
            "killed",
            "The kernel kills the bindings' process because memory is short",
            bindings.killed,
            "not verified: the bindings' process died (SIGKILL)",
            f"{HARMLESS}; the kernel chooses this process before any other",
        ),
        FaultCase(
            "out of memory",
            "A limit (`ulimit -v`) forbids the memory that the bindings need",
            bindings.without_memory,
            "not verified: not enough memory for the server's reply",
            HARMLESS,
        ),
        FaultCase(
            "details not permitted",
            "Redis's ACL does not permit `+hgetall`, with which the details are compared",
            bindings.details_not_permitted,
            "equal, node by node; their details were not compared",
            "the snapshot is written, and was compared; the health record says why its details were not",
            deadline=10,
        ),
        FaultCase(
            "noisy",
            "The bindings print text",
            bindings.noisy,
            "equal, node by node",
            "verified; the text is not shown",
            deadline=10,
        ),
        FaultCase(
            "differ",
            "The bindings' reading differs from watchman's",
            bindings.differing,
            "the protocol's reading differs from the bindings'",
            "the bindings' reading is written, from now on in each run until `--reset-sync`",
            where="warning",
            deadline=10,
        ),
    )
)
ONLY_READER = "`reader: bindings`, and "
READER_ROWS = tuple(
    replace(row, side="bindings")
    for row in (
        FaultCase(
            "only reader missing",
            f"{ONLY_READER}no interpreter has them",
            lambda run: bindings.only_bindings(run, "", "-S -E"),
            "no Python with the ecflow bindings",
            "every snapshot is kept; one message for all servers says how to get the bindings",
            kind="bindings",
            attempts=1,
            good=False,
        ),
        FaultCase(
            "only reader hangs",
            f"{ONLY_READER}importing them does not end",
            lambda run: bindings.only_bindings(run, "import time; time.sleep(99)"),
            "the ecflow bindings were not imported in time",
            "every snapshot is kept; the bindings are killed at the deadline",
            kind="bindings",
            attempts=1,
            good=False,
        ),
        FaultCase(
            "only reader crashes",
            f"{ONLY_READER}they crash over one server",
            bindings.only_reader_crashes,
            "the bindings' process died (SIGSEGV)",
            "not retried",
            kind="crashed",
            attempts=1,
            deadline=10,
        ),
    )
)
BINDINGS_ROWS = REFEREE_ROWS + READER_ROWS
