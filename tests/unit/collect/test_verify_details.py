"""A verification of equal statuses, after the details were compared, too."""

from __future__ import annotations

import pytest

from tests.unit.details.definitions import base_of
from watchman_cli import snapshot
from watchman_cli.bindings import Bindings, BindingsReading
from watchman_cli.collect.verify import Verification, with_details
from watchman_cli.details.compare import DAMAGED, NOT_OF_SNAPSHOT
from watchman_cli.details.policy import Policy
from watchman_cli.details.stored import NO_DETAILS, StoredDetails, make_stamp
from watchman_cli.ecflow_client.work import UNBOUNDED
from watchman_cli.snapshot import StatusRecord

RECORDS = [StatusRecord("/", "queued"), StatusRecord("/s", "queued"), StatusRecord("/s/t", "queued")]
TIME = "2026-11-28T12:00:00.000000+00:00"
VALUE = snapshot.encode(TIME, "RUNNING", (snapshot.join_records(RECORDS),))
HEAD = snapshot.parse_head(VALUE)
assert HEAD
STAMP = make_stamp(HEAD.revision, TIME)
LINES = ("suite s # state:queued", "task t # state:queued", "edit V 'x'", "endsuite")
STORED = StoredDetails(STAMP, STAMP, "", base_of(*LINES).fields, {})
TEXT = "\n".join(("#5.9.9", "defs_state MIGRATE", *LINES, "# enddef"))
EQUAL = Verification("equal, node by node", is_equal=True)


def verified(
    stored: StoredDetails = STORED,
    text: str | None = TEXT,
    value: bytes = VALUE,
    changed: tuple[str, ...] = (),
    cut: frozenset[str] = frozenset(),
) -> Verification:
    bindings = Bindings("python3", "5.9.9", "3.11")
    theirs = BindingsReading(bindings, "5.9.2", "RUNNING", (1, 1), RECORDS, cut, text)
    return with_details(EQUAL, stored, value, theirs, changed, Policy(), UNBOUNDED)


def test_equal_details() -> None:
    found = verified()
    assert found == Verification("equal, node by node; their details as well", is_equal=True)


def test_a_difference_is_that_of_the_readings() -> None:
    found = verified(text=TEXT.replace("'x'", "'y'"))
    assert found.difference == "the protocol's reading differs from the bindings': details: 'edit V' of /s/t"
    assert found == Verification(found.difference, found.difference)


def test_nodes_that_changed_or_were_cut_are_not_compared() -> None:
    text = TEXT.replace("'x'", "'y'")
    assert verified(text=text, changed=("/s/t",)).difference is None
    assert verified(text=text, cut=frozenset(("/s/t",))).difference is None
    assert verified(text=text, changed=("/s",)).difference


@pytest.mark.parametrize(
    "stored",
    [NO_DETAILS, STORED._replace(base_stamp="other"), StoredDetails("r t", "r t", "", STORED.fields, {})],
)
def test_details_of_another_snapshot_are_not_compared(stored: StoredDetails) -> None:
    found = verified(stored)
    assert found == Verification(f"{EQUAL.summary}; their details were not compared: {NOT_OF_SNAPSHOT}")


def test_without_a_snapshot_nothing_is_compared() -> None:
    assert NOT_OF_SNAPSHOT in verified(value=b"").summary


def test_damaged_details_are_not_compared() -> None:
    found = verified(STORED._replace(fields={"/": b"x"}))
    assert found == Verification(f"{EQUAL.summary}; their details were not compared: {DAMAGED}")


@pytest.mark.parametrize("text", [None, ""])
def test_without_the_bindings_lines_nothing_is_compared(text: str | None) -> None:
    found = verified(text=text)
    why = "the bindings wrote other nodes than they read"
    assert found == Verification(f"{EQUAL.summary}; their details were not compared: {why}")
