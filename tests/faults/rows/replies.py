"""Rows of answers that are not ecFlow's, or that hold what a reader may not expect."""

from __future__ import annotations

from tests.faults.arrangements import replies
from tests.faults.case import FaultCase

NOT_ECFLOW = "what answers there does not speak ecFlow's protocol"
NOT_UNDERSTOOD = "the server's reply cannot be understood"

REPLY_ROWS = (
    FaultCase(
        "garbage",
        "It answers what is not ecFlow's protocol",
        replies.garbage,
        NOT_ECFLOW,
        "not tried again",
        kind="protocol",
        attempts=1,
    ),
    FaultCase(
        "garbage of ecFlow's length",
        "It answers with ecFlow's header, and garbage",
        replies.garbage_after_length,
        NOT_ECFLOW,
        "not tried again",
        kind="protocol",
        attempts=1,
    ),
    FaultCase(
        "wild length",
        "It answers with a length that no reply has",
        replies.wild_length,
        NOT_ECFLOW,
        "not tried again",
        kind="protocol",
        attempts=1,
    ),
    FaultCase(
        "nested JSON",
        "It answers JSON that is nested 10,000 deep",
        replies.nested,
        NOT_ECFLOW,
        "not tried again",
        kind="protocol",
        attempts=1,
    ),
    FaultCase(
        "HTTP",
        "An HTTP server that is not ecFlow listens there",
        replies.other_http_server,
        "an HTTP server answers there, not ecFlow",
        "not tried again",
        kind="protocol",
        attempts=1,
        deadline=8,
        connect_timeout=4,
    ),
    FaultCase(
        "4 GB",
        "It announces a reply of 4 GB",
        lambda run: replies.announced(run, b"ffffffff"),
        "the reply is larger than 1024 MB: raise `max_reply` if that is right",
        "not tried again; nothing of it is received",
        kind="too large",
        attempts=1,
    ),
    FaultCase(
        "too large",
        "The reply of 100,000 nodes is larger than `max_reply`",
        replies.too_large,
        "the reply is larger than 1 MB: raise `max_reply` if that is right",
        "not tried again",
        kind="too large",
        attempts=1,
        deadline=20,
        connect_timeout=10,
    ),
    FaultCase(
        "unknown answer",
        "It answers with what this version of watchman does not know",
        replies.unknown_answer,
        NOT_UNDERSTOOD,
        "the bindings are asked; if they cannot read it either, not tried again",
        kind="protocol",
        attempts=1,
        deadline=8,
    ),
    FaultCase(
        "unknown state",
        "A node has a state that watchman does not know, and the bindings do not know it either",
        replies.unknown_state,
        "the server's definition has an unknown state",
        "the same",
        kind="protocol",
        attempts=1,
        deadline=8,
    ),
    FaultCase(
        "id of two meanings",
        "A job's id has several lines, of which one is written like a node (`ecflow_client --init`)",
        replies.id_of_two_meanings,
        "a job's id, a trigger or a complete has several lines, and the server's definition does not show "
        "where it ends",
        "not retried, and the bindings are not asked; requeue the task, or give its job an id of one line",
        kind="protocol",
        attempts=1,
    ),
    FaultCase(
        "Latin-1",
        "Texts of users are in Latin-1",
        replies.latin_1,
        "",
        "written",
        code=0,
    ),
    FaultCase(
        "other version",
        "The server says that it is of another version",
        replies.other_version,
        "",
        "written, if its replies can be read; the health record has the version",
        code=0,
    ),
    FaultCase(
        "statistics",
        "The server's statistics do not say since when it runs",
        replies.statistics_without(b"Up since"),
        "the server's statistics do not show which start of it this is (not understood: up since)",
        "written; every run reads in full, and the health record says why",
        code=0,
        where="reason",
    ),
)
