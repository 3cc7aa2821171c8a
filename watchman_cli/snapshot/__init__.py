"""The snapshot: from records to a stored value's bytes, and back. Only this package knows these bytes."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from watchman_cli.snapshot.record import (
    MAX_SKEW,
    RECORD_END,
    SINCE_SHOWN,
    RecordChange,
    RecordUpdate,
    StatusRecord,
    decode_part,
    decode_record,
    encode_record,
    encode_tail,
    join_records,
    parse_time,
    record_key,
    split_records,
)
from watchman_cli.snapshot.value import (
    HEAD_SIZE,
    TIME_OFFSET,
    TIME_SIZE,
    Head,
    NotWhole,
    Piece,
    Records,
    check_records,
    encode,
    parse_head,
    prove,
    records_of,
)

if TYPE_CHECKING:
    from watchman_cli.snapshot.decoded import Snapshot, decode, decode_later
    from watchman_cli.snapshot.search import (
        COUNTED_FLAGS,
        ROOT_CAUSES,
        EncodedRecords,
        count_changes,
        count_nodes,
        find_root_causes,
        root_causes,
        status_pattern,
    )

__all__ = [
    "COUNTED_FLAGS",
    "HEAD_SIZE",
    "MAX_SKEW",
    "RECORD_END",
    "ROOT_CAUSES",
    "SINCE_SHOWN",
    "TIME_OFFSET",
    "TIME_SIZE",
    "EncodedRecords",
    "Head",
    "NotWhole",
    "Piece",
    "RecordChange",
    "RecordUpdate",
    "Records",
    "Snapshot",
    "StatusRecord",
    "check_records",
    "count_changes",
    "count_nodes",
    "decode",
    "decode_later",
    "decode_part",
    "decode_record",
    "encode",
    "encode_record",
    "encode_tail",
    "find_root_causes",
    "join_records",
    "parse_head",
    "parse_time",
    "prove",
    "record_key",
    "records_of",
    "root_causes",
    "split_records",
    "status_pattern",
]

# Where the names are that most runs do not need; each is imported when it is first used.
_MODULES = {
    "COUNTED_FLAGS": "search",
    "ROOT_CAUSES": "search",
    "EncodedRecords": "search",
    "Snapshot": "decoded",
    "count_changes": "search",
    "count_nodes": "search",
    "decode": "decoded",
    "decode_later": "decoded",
    "find_root_causes": "search",
    "root_causes": "search",
    "status_pattern": "search",
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
