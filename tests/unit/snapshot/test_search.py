"""A search in a snapshot's bytes finds what is found in its records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given

from tests.support.trees import TREES, records
from watchman_cli.snapshot import (
    HEAD_SIZE,
    EncodedRecords,
    Snapshot,
    StatusRecord,
    count_changes,
    count_nodes,
    decode,
    decode_later,
    encode,
    join_records,
    parse_head,
    root_causes,
    status_pattern,
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
def test_lazy_decoding_gives_the_same_records(tree: dict[str, tuple[object, ...]]) -> None:
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
def test_unproved_records_are_decoded_at_once(change: Callable[[bytes], bytes]) -> None:
    value = change(encode(TIME, "RUNNING", [join_records(in_order({"/a": ("", "queued")}))]))
    found: Snapshot = decode_later(value)
    assert isinstance(found.records, list)
    assert found == decode(value)


FLAGGED = StatusRecord("/s/b", "aborted", "2026-11-24T00:00:00+00:00", ("late", "zombie"))
COUNTED = [
    StatusRecord("/", "aborted", None, ("late",)),
    StatusRecord("/s", "aborted", "2026-11-24T00:00:00+00:00"),
    StatusRecord("/s/a", "aborted", "2026-11-24T00:00:00+00:00", ("late",)),
    FLAGGED,
    StatusRecord("/s/c", "complete"),
    StatusRecord("/t", "queued", None, ("other",)),
    StatusRecord("/t/a", "queued"),
]
NONE = {each.value: 0 for each in NodeStatus}
COUNTS = {**NONE, "suites": 2, "root_causes": 2, "late": 2, "zombie": 1}
COUNTS |= {"aborted": 3, "complete": 1, "queued": 2}


def in_bytes(found: Sequence[StatusRecord]) -> bytes:
    return encode(TIME, "RUNNING", [join_records(found)])


def test_nodes_are_counted_without_the_definition() -> None:
    assert count_nodes(in_bytes(COUNTED)) == COUNTS
    assert count_nodes(in_bytes([StatusRecord("/", "queued")])) == {
        **NONE,
        "suites": 0,
        "root_causes": 0,
        "late": 0,
        "zombie": 0,
    }
    assert set(count_nodes(b"").values()) == {0}


def changed(old: StatusRecord, new: StatusRecord) -> list[StatusRecord]:
    return [new if record == old else record for record in COUNTED]


@pytest.mark.parametrize(
    ("index", "values"),
    [
        (4, {"status": "queued"}),
        (4, {"status": "aborted"}),
        (3, {"flags": ()}),
        (3, {"status": "active"}),
        (3, {"flags": ("zombie", "other")}),
        (0, {"status": "queued"}),
        (0, {"flags": ()}),
    ],
)
def test_counts_after_changes_are_those_of_the_new_snapshot(index: int, values: dict[str, Any]) -> None:
    old = COUNTED[index]
    new = old._replace(**values)
    after = in_bytes(changed(old, new))
    assert count_changes(COUNTS, [(old, new)], lambda: after) == count_nodes(after)


def test_snapshot_is_read_only_if_root_causes_may_have_changed() -> None:
    def unread() -> bytes:
        raise AssertionError("the snapshot was read")

    queued = COUNTED[4]._replace(status="queued")
    counts = dict(COUNTS)
    assert count_changes(counts, [(COUNTED[4], queued)], unread)["queued"] == 3
    assert count_changes(counts, [(COUNTED[0], COUNTED[0]._replace(status="queued"))], unread) == COUNTS
    assert counts == COUNTS
    aborted = COUNTED[4]._replace(status="aborted")
    for change in ((COUNTED[4], aborted), (aborted, COUNTED[4])):
        with pytest.raises(AssertionError, match="the snapshot was read"):
            count_changes(counts, [change, (queued, COUNTED[4])], unread)


def test_counts_of_an_older_version_get_their_root_causes() -> None:
    del (old := dict(COUNTS))["root_causes"]
    assert count_changes(old, [], lambda: in_bytes(COUNTED)) == COUNTS


def test_first_of_a_status_is_counted() -> None:
    old, new = COUNTED[4], COUNTED[4]._replace(status="suspended")
    del (counts := dict(COUNTS))["suspended"]
    assert count_changes(counts, [(old, new)], lambda: b"")["suspended"] == 1


def test_root_causes_have_no_aborted_node_below_them() -> None:
    def causes(*paths: str) -> list[str]:
        some = [StatusRecord(path, "aborted") for path in paths]
        return [record.path for record in root_causes(EncodedRecords.from_records(some))]

    assert causes("/", "/s", "/s/a", "/s/a/b", "/s/ab", "/t") == ["/s/a/b", "/s/ab", "/t"]
    assert causes("/") == []
    assert causes("/s/a/b/c", "/s") == ["/s/a/b/c"]


def test_pattern_of_paths() -> None:
    value = in_bytes(COUNTED)
    assert status_pattern('/s/[^/"]*').findall(value) == [b"aborted", b"aborted", b"complete"]
    assert status_pattern("/s").findall(value) == [b"aborted"]
    assert status_pattern("s").findall(value) == []


def test_records_are_a_sequence() -> None:
    encoded = EncodedRecords(join_records(COUNTED))
    assert (len(encoded), encoded[3], encoded[-1], encoded[1:3]) == (7, FLAGGED, COUNTED[-1], COUNTED[1:3])
    assert encoded.below("/") is encoded
    assert encoded.count_leaves("active") == 0 and encoded.leaves("active") == []
