"""The part of the details that a run writes, by its reading and the stored details."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from watchman_cli.details import KeptDetails
from watchman_cli.details.changed import Changed
from watchman_cli.details.fields import Base
from watchman_cli.details.kept import DetailsReading, Kept, keep_details
from watchman_cli.details.stored import NO_DETAILS, DetailsChanged, DetailsUpdate, StoredDetails

SIGNATURE = ["labels", "", "ftp"]
BEFORE = KeptDetails(SIGNATURE, "r1 t1", None, ["/s/a"])
STORED = StoredDetails("r1 t1", "r1 t1", "", {}, {"/s/t": b'{"state":"queued","dur":"1"}'})
READING = DetailsReading("r1", "t2", False, None, None)


def keep(
    signature: list[str] | None = SIGNATURE,
    before: KeptDetails | None = BEFORE,
    expire: int | None = None,
    stored: StoredDetails = STORED,
    **reading: Any,
) -> Kept:
    def read(paths: Sequence[str]) -> StoredDetails:
        return stored

    return keep_details(signature, expire, READING._replace(**reading), before, read)


def test_a_full_reading_replaces_everything() -> None:
    base = Base({"/": b"x"}, ["/s/b"])
    kept = keep(is_full=True, base=base, revision="r2", before=None)
    assert kept.update == DetailsUpdate("r2 t2", {"/": b"x"}, {})
    assert kept.after == KeptDetails(SIGNATURE, "r2 t2", None, ["/s/b"])
    assert kept.life == "keep"  # the new hashes do not expire
    kept = keep(expire=60, is_full=True, base=base)
    assert (kept.life, kept.after and kept.after.expire) == ("set", 60)


@pytest.mark.parametrize(
    ("expire", "was", "life"),
    [(None, None, "keep"), (60, None, "set"), (60, 60, "set"), (None, 60, "remove")],
)
def test_the_expiry_follows_the_configuration(expire: int | None, was: int | None, life: str) -> None:
    kept = keep(before=BEFORE._replace(expire=was), expire=expire)
    assert (kept.life, kept.after and kept.after.expire) == (life, expire)


def test_what_changed_is_put_into_what_had_changed_before() -> None:
    changed = Changed({"/s/t": {"state": "active"}, "/s/u": {"try": "2"}}, {"/s/c"})
    kept = keep(changed=changed, revision="r2")
    values = {"/s/t": b'{"state":"active","dur":"1"}', "/s/u": b'{"try":"2"}'}
    assert kept.update == DetailsUpdate("r2 t2", None, values, "r1 t1")
    assert kept.after == KeptDetails(SIGNATURE, "r2 t2", None, ["/s/c"])


def test_a_new_revision_is_noted_even_if_no_detail_changed() -> None:
    kept = keep(changed=Changed({}, set()), revision="r2")
    assert kept.update == DetailsUpdate("r2 t2", None, {}, "r1 t1")


@pytest.mark.parametrize(
    "stored",
    [
        NO_DETAILS,
        STORED._replace(stamp="r1 t0", base_stamp="r1 t0"),
        STORED._replace(base_stamp="r0 t0"),
        STORED._replace(changed={"/s/t": b"no JSON"}),
    ],
)
def test_details_that_are_not_those_of_the_run_before_are_not_changed(stored: StoredDetails) -> None:
    with pytest.raises(DetailsChanged):
        keep(changed=Changed({"/s/t": {}}, set()), stored=stored)


def test_details_that_are_not_wanted_any_more_are_deleted() -> None:
    assert keep(None) == Kept("delete")
    assert keep(None, None) == Kept("delete"), "the store has some, and no sync cache knows them"


def test_a_reading_without_details_deletes_them() -> None:
    """The bindings do not read them."""
    assert keep(is_full=True, base=None) == Kept("delete")
