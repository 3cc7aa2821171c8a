"""How two readings of a server compare."""

from __future__ import annotations

import pytest

from watchman_cli.bindings import referee
from watchman_cli.collect import verify
from watchman_cli.collect.verify import compare
from watchman_cli.ecflow_client.details import DETAILS, Detail
from watchman_cli.snapshot import StatusRecord

ROOT = StatusRecord("/", "queued")
TRY_NO = Detail("try_no", "try", int, "SubmittableMemento", lambda fields: fields["tryNo_"], "get_int_try_no")
JOB = Detail("job", "rid", str, "SubmittableMemento", lambda fields: fields["rid_"])


def task(status: str = "active", **details: object) -> StatusRecord:
    return StatusRecord("/s/t", status).with_details(details)


@pytest.fixture(autouse=True)
def details(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a detail that the bindings know, and one that they do not."""
    verified = tuple(detail for detail in (*DETAILS, TRY_NO, JOB) if detail.method)
    monkeypatch.setattr(verify, "VERIFIED", verified)
    monkeypatch.setattr(referee, "VERIFIED", verified)


def test_details_are_compared() -> None:
    assert compare([ROOT, task(try_no=1)], [ROOT, task(try_no=1)], ()).difference is None
    found = compare([ROOT, task(try_no=1)], [ROOT, task(try_no=2)], ()).difference
    assert found and "/s/t active try_no 1, where the bindings have /s/t active try_no 2" in found
    assert compare([ROOT, task()], [ROOT, task(try_no=2)], ()).difference
    assert compare([ROOT, task(flags=("late",))], [ROOT, task()], ()).difference


def test_detail_that_the_bindings_do_not_know_is_left_out() -> None:
    assert compare([ROOT, task(job="4711", try_no=1)], [ROOT, task(try_no=1)], ()).difference is None


def test_details_of_the_bindings() -> None:
    document = {
        "state": "queued", "server_state": "RUNNING", "version": "5.9.2", "cut": [], "state_change_no": 1,
        "modify_change_no": 1,
        "nodes": [["/s", "active", "", ["late", None]], ["/s/t", "active", "", ["", 2]]],
    }  # fmt: skip
    found = referee._reading(referee.Bindings("python3", "5.9.2", "3.11"), document).records
    assert [record.flags for record in found] == [(), ("late",), ()]
    assert [record.more for record in found] == [(), (), (("try_no", 2),)]


def test_node_whose_first_line_alone_was_read_is_no_difference() -> None:
    ours, theirs = [ROOT, task("active")], [ROOT, task("unknown")]
    assert compare(ours, theirs, ()).difference
    assert compare(ours, theirs, (), {"/s/t"}).difference is None
    assert compare(ours, [ROOT, task("aborted")], (), {"/s/t"}).difference


def test_other_nodes_than_a_cut_reading_has_are_not_verified() -> None:
    found = compare([ROOT, task()], [ROOT], (), {"/s"})
    assert found.difference is None
    assert found.summary.startswith("not verified: ")
