"""Rows of the machine that watchman itself runs on."""

from __future__ import annotations

from dataclasses import replace

from tests.faults.arrangements import machine
from tests.faults.case import FaultCase

MACHINE_ROWS = tuple(
    replace(row, side="machine")
    for row in (
        FaultCase(
            "memory",
            "A limit (`ulimit -v`) forbids the memory that a reply needs",
            machine.short_of_memory,
            "this machine or its limits (ulimit) allow no more: not enough memory for the server's reply",
            "retried",
            kind="resources",
            attempts=2,
            deadline=40,
        ),
        FaultCase(
            "no threads",
            "A limit (`ulimit -u`) forbids every thread",
            lambda run: machine.without_threads(run, 1),
            "no more than 0 threads could be started (ulimit -u)",
            "the servers are read one after the other",
            code=0,
            where="warning",
            deadline=8,
        ),
        FaultCase(
            "few threads",
            "A limit (`ulimit -u`) forbids some threads",
            lambda run: machine.without_threads(run, 3),
            "threads could be started (ulimit -u)",
            "the servers are read by the threads that run",
            code=0,
            where="warning",
            deadline=8,
            listed=False,
        ),
        FaultCase(
            "few descriptors",
            "A limit (`ulimit -n`) forbids the sockets that all threads need",
            lambda run: machine.without_descriptors(run, 32),
            "(ulimit -n)",
            "fewer servers are read at a time",
            code=0,
            where="warning",
            deadline=8,
        ),
        FaultCase(
            "no metrics directory",
            "The directory of `metrics_file` does not exist, or watchman cannot write there",
            machine.metrics_nowhere,
            "watchman.prom: No such file or directory; the metrics of this run are not written",
            "snapshots are written; the alert rules fire on the missing metrics",
            code=0,
            where="warning",
        ),
        FaultCase(
            "receiver down",
            "A receiver of `notify` does not answer, or refuses what is sent",
            machine.receiver_down,
            "connection refused; each run tries again",
            "the next runs deliver what was not accepted; reported once, and once as it works again",
            code=0,
            where="warning",
        ),
        FaultCase(
            "metrics locked",
            "Another process holds the lock of the directory of `metrics_file`",
            machine.metrics_locked,
            "another process holds the lock of",
            "the run waits for two seconds, and 10 ms more for each server; then the file stays as it is, "
            "and snapshots are written",
            code=0,
            where="warning",
        ),
        FaultCase(
            "stopped run",
            "The run itself is stopped (Ctrl-Z), and goes on after its deadline",
            machine.stopped_run,
            "this run was stopped, or had no processor, until",
            "not retried",
            kind="no answer",
            attempts=1,
        ),
    )
)
