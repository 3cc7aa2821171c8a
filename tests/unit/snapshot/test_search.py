"""A search in a snapshot's bytes finds what is found in its records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

import pytest
from hypothesis import given

from tests.support.trees import TREES, records
from watchman_cli.snapshot import (
    HEAD_SIZE,
    EncodedRecords,
    Snapshot,
    StatusRecord,
    decode,
    decode_later,
    encode,
    join_records,
    parse_head,
)
from watchman_cli.status import NodeStatus

TIME = "2026-11-24T00:12:57.123456+00:00"


def in_order(tree: dict[str, tuple[object, ...]]) -> list[StatusRecord]:
    """Return a tree's records as a definition has them: each node's children after it."""
    return records({path: tree[path] for path in sorted(tree, key=lambda path: path.split("/"))})


def leaves(found: Sequence[StatusRecord], status: str) -> list[StatusRecord]:
    above = {"/", *(str(parent) for record in found for parent in PurePosixPath(record.path).parents)}
    return [each for each in found if each.status == status and each.path not in above]


@given(TREES)
def test_each_search(tree: dict[str, tuple[object, ...]]) -> None:
    found = in_order(tree)
    searched = EncodedRecords(join_records(found))
    for status in (each.value for each in NodeStatus):
        assert searched.with_status(status) == [each for each in found if each.status == status]
        assert searched.leaves(status) == leaves(found, status)
        assert searched.count_leaves(status) == len(leaves(found, status))
    for flag in ("late", "zombie"):
        assert searched.with_flag(flag) == [each for each in found if flag in each.flags]
    for path in (each.path for each in found):
        below = searched.below(path)
        prefix = path.rstrip("/") + "/"
        assert below and list(below) == [each for each in found if (each.path + "/").startswith(prefix)]
    assert searched.below("/a/none") is None


@given(TREES)
def test_what_is_decoded_later_is_the_same(tree: dict[str, tuple[object, ...]]) -> None:
    value = encode(TIME, "RUNNING", [join_records(in_order(tree))])
    found, later = decode(value), decode_later(value)
    assert isinstance(later.records, EncodedRecords)
    assert later.collected_time == found.collected_time
    assert later.server_state == found.server_state
    assert len(later.records) == len(found.records)
    assert list(later.records) == later.records[:] == found.records
    assert EncodedRecords.from_records(found.records).encoded == later.records.encoded
    assert EncodedRecords.from_records(later.records) is later.records


def of_an_older_tool(value: bytes) -> bytes:
    head = parse_head(value[:HEAD_SIZE])
    assert head is not None
    return b'{"collected_time": "%s", "status_records": [' % TIME.encode() + value[head.size :]


def damaged(value: bytes) -> bytes:
    return value.replace(b'"status":"queued"', b'"status":"active"')


@pytest.mark.parametrize("change", [of_an_older_tool, damaged])
def test_what_is_not_proved_is_decoded_at_once(change: Callable[[bytes], bytes]) -> None:
    value = change(encode(TIME, "RUNNING", [join_records(in_order({"/a": ("", "queued")}))]))
    found: Snapshot = decode_later(value)
    assert isinstance(found.records, list)
    assert found == decode(value)
