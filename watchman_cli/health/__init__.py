"""The health record: the result of the last attempts at one server, with the numbers of its nodes."""

from watchman_cli.health.counts import count_again, with_counts
from watchman_cli.health.record import (
    Disabled,
    Failure,
    Health,
    Mode,
    ReportedFailure,
    decode,
    encode,
    encode_repaired,
    salvage,
    warn_of_another,
)

__all__ = [
    "Disabled",
    "Failure",
    "Health",
    "Mode",
    "ReportedFailure",
    "count_again",
    "decode",
    "encode",
    "encode_repaired",
    "salvage",
    "warn_of_another",
    "with_counts",
]
