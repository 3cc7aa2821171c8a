"""What a store promises that keeps details: they are those of the snapshot, or none are written."""

from __future__ import annotations

import pytest
import redis

from tests.integration.store.conftest import Kind
from tests.integration.store.test_contract import LAST, LATER, NAME, NEW, OLD, soon, take
from watchman_cli import snapshot
from watchman_cli.details.stored import DetailsUpdate
from watchman_cli.store import SnapshotChanged, Store, Update
from watchman_cli.store.probe import probe

BASE = {"/": b"suites", "/s/": b"children", "server": b"\x00\xff"}


@pytest.fixture(autouse=True)
def _keeps_details(kind: Kind) -> None:
    if not kind.keeps_changes:  # one that keeps a snapshot only
        pytest.skip("this store keeps no details")


def details_of(number: int) -> DetailsUpdate:
    return DetailsUpdate(f"r{number} t{number}", BASE, {})


def test_details_are_written_with_their_snapshot(kind: Kind, store: Store) -> None:
    with take(store) as lease:
        lease.commit(Update(b"1", snapshot=OLD, details=details_of(1)))
    found = store.details(NAME, ("/s/", "/none/"), ("/s/t",))
    assert (found.stamp, found.base_stamp, found.is_whole) == ("r1 t1", "r1 t1", True)
    assert (found.fields, found.changed) == ({"/s/": b"children"}, {})
    assert found.raw_head == OLD[: snapshot.HEAD_SIZE]
    assert store.details(NAME, None, None).fields == BASE
    with take(store) as lease:
        assert lease.details(("/",), None).fields == {"/": b"suites"}
        assert lease.details(None, None).fields == BASE
        assert lease.changed_details(["/s/t"])[:3] == ("r1 t1", "r1 t1", "")
        changed = {"/s/t": b'{"state":"active"}', "/s/u": b"{}"}
        lease.commit(Update(b"2", snapshot=NEW, details=DetailsUpdate("r2 t2", None, changed, "r1 t1")))
    with take(store) as lease:
        assert lease.changed_details(["/s/t", "/s/v"]).changed == {"/s/t": b'{"state":"active"}'}
        again = DetailsUpdate("r2 t3", None, {"/s/t": b'{"state":"queued"}'}, "r2 t2")
        lease.commit(Update(b"3", new_time=LATER, details=again), end=False)
        lease.commit(Update(b"4"))
    found = store.details(NAME, ("/",), None)
    assert (found.stamp, found.base_stamp, found.changed_stamp, found.is_whole) == (
        "r2 t3", "r1 t1", "r2 t3", True,
    )  # fmt: skip
    assert found.fields == {"/": b"suites"}
    assert found.changed == {"/s/t": b'{"state":"queued"}', "/s/u": b"{}"}
    with take(store) as lease:
        lease.commit(Update(b"5", snapshot=LAST, details=details_of(5)))
    found = store.details(NAME, None, None)
    assert (found.stamp, found.changed, found.is_whole) == ("r5 t5", {}, True)
    with take(store) as lease:
        lease.commit(Update(b"6", details="delete"))
    assert store.details(NAME, None, None)[:5] == ("", "", "", {}, {})


def test_a_lease_says_whether_there_may_be_details(kind: Kind, store: Store) -> None:
    looks = kind.client is None or isinstance(kind.client, redis.RedisCluster)
    with take(store) as lease:
        assert lease.may_have_details() is not looks
        lease.commit(Update(b"1", snapshot=OLD, details="delete"), end=False)  # there are none
        lease.commit(Update(b"1", snapshot=OLD, details=details_of(1)), end=False)
        assert lease.may_have_details()
        lease.commit(Update(b"2", details="delete"), end=False)
        assert lease.may_have_details() is not looks


def test_changes_are_not_added_to_other_details(store: Store) -> None:
    changes = DetailsUpdate("r2 t2", None, {"/s/t": b"{}"}, "r1 t1")
    with take(store) as lease:
        with pytest.raises(SnapshotChanged):  # there are none
            lease.commit(Update(b"1", snapshot=OLD, details=changes))
        assert lease.value("status") is None
        lease.commit(Update(b"2", snapshot=OLD, details=details_of(3)))
    with take(store) as lease:
        with pytest.raises(SnapshotChanged):
            lease.commit(Update(b"3", snapshot=NEW, details=changes))
        assert lease.value("health") == b"2"
        lease.commit(Update(b"4", snapshot=NEW, details=details_of(4)))
    assert store.details(NAME, None, None).stamp == "r4 t4"


def test_details_of_a_server_that_has_none(store: Store) -> None:
    with take(store) as lease:
        found = store.details(NAME, ("/",), ("/s",))
        assert (found.stamp, found.fields, found.changed, found.is_whole) == ("", {}, {}, False)
        lease.commit(Update(b"1", snapshot=OLD, details="delete"))
    assert store.details(NAME, None, None).stamp == ""


def test_many_fields(store: Store) -> None:
    base = {f"/s/f{number}/": b"x" * 100 for number in range(5000)}
    with take(store) as lease:
        lease.commit(Update(b"1", snapshot=OLD, details=DetailsUpdate("r t", base, {})))
    assert store.details(NAME, None, ()).fields == base


def test_a_probe_of_details_leaves_nothing(kind: Kind, store: Store) -> None:
    probe(store, NAME, soon(), changes=False, details=True)
    assert kind.leftovers() == []
