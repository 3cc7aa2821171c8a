"""What is shown beside the nodes of a snapshot that was read before: only what belongs to it."""

from __future__ import annotations

import pytest

from tests.unit.details.definitions import base_of
from watchman_cli import snapshot
from watchman_cli.beside import Shown, of_one_snapshot, read_reasons, read_shown
from watchman_cli.details.attributes import Label, Meter
from watchman_cli.details.policy import Policy
from watchman_cli.details.stored import DetailsUpdate, make_stamp
from watchman_cli.errors import NoDetails
from watchman_cli.node_details import OtherSnapshot
from watchman_cli.readback import StoredServer, read_server
from watchman_cli.store import Update
from watchman_cli.store.memory import MemoryStore

NAME = "o/r"


def write(store: MemoryStore, reason: str, *kinds: str, details: bool = True) -> None:
    """Write a snapshot with an aborted task, and its details."""
    status = "aborted" if reason else "complete"
    records = [f'{{"path":"{path}","status":"{status}"}}'.encode() for path in ("/", "/s", "/s/t")]
    value = snapshot.encode(
        "2026-01-01T00:00:00.000001+00:00", "RUNNING", [records[0], *(b"," + each for each in records[1:])]
    )
    head = snapshot.parse_head(value[: snapshot.HEAD_SIZE])
    assert head
    abort = f"abort<:{reason}>abort " if reason else ""
    lines = (
        f"suite s # state:{status}", f"task t # {abort}state:{status}", "meter m 0 100 90 # 40",
        'label l "step 5"', "edit V '1'", "task u # state:queued", "endsuite",
    )  # fmt: skip
    base = base_of(*lines, policy=Policy(kinds)).fields
    lease = store.lease(NAME, 1e9)
    assert lease
    update = DetailsUpdate(make_stamp(head.revision, "t"), base, {}) if details else None
    lease.commit(Update(b"{}", snapshot=value, details=update))


def stored_with(reason: str, *kinds: str, details: bool = True) -> tuple[MemoryStore, StoredServer]:
    store = MemoryStore()
    write(store, reason, *kinds, details=details)
    return store, read_server(store, NAME)


def test_the_reasons_of_aborts() -> None:
    found = read_reasons(*stored_with("no disk"), ["/s/t", "/s/u", "/s/absent"])
    assert found == {"/s/t": "no disk"}


def test_labels_and_meters() -> None:
    store, stored = stored_with("no disk")
    label, meter = Label("l", "step 5"), Meter("m", 0, 100, 90, 40)
    assert read_shown(store, stored, ["labels", "meters"]) == {"/s/t": Shown([label], [meter])}
    assert read_shown(store, stored, ["meters"]) == {"/s/t": Shown([], [meter])}


def test_a_kind_that_is_not_kept() -> None:
    store, stored = stored_with("no disk", "labels")
    assert read_shown(store, stored, ["labels"])
    with pytest.raises(NoDetails, match="--labels and --meters needs these details, which are not kept: met"):
        read_shown(store, stored, ["labels", "meters"])


def test_no_details() -> None:
    with pytest.raises(NoDetails, match="set `details: true`"):
        read_shown(*stored_with("no disk", details=False), ["labels"])


def test_a_snapshot_of_another_program() -> None:
    store, stored = stored_with("no disk")
    object.__setattr__(stored, "value", b"{}")
    with pytest.raises(NoDetails, match="another program wrote its snapshot"):
        read_reasons(store, stored, ["/s/t"])


def test_details_of_a_later_snapshot_are_not_used() -> None:
    store, stored = stored_with("no disk")
    write(store, "")
    with pytest.raises(OtherSnapshot):
        read_reasons(store, stored, ["/s/t"])


def test_both_are_read_again_if_a_run_replaces_them_meanwhile() -> None:
    store, _ = stored_with("no disk")
    statuses = []

    def reasons(stored: StoredServer) -> dict[str, str]:
        assert stored.snapshot
        statuses.append(stored.snapshot.status("/s/t"))
        if len(statuses) == 1:
            write(store, "")
        return read_reasons(store, stored, ["/s/t"])

    found, beside = of_one_snapshot(lambda: read_server(store, NAME), reasons)
    assert found.snapshot and found.snapshot.status("/s/t") == "complete"
    assert (statuses, beside) == (["aborted", "complete"], {})
