"""The part of the details that an incremental run writes, by its reading and the stored details."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from watchman_cli.details import KeptDetails
from watchman_cli.details.changed import Changed, change_details
from watchman_cli.details.stored import NO_DETAILS, DetailsChanged, DetailsUpdate, StoredDetails

if TYPE_CHECKING:
    from watchman_cli.details.stored import Kept

SIGNATURE = ["labels", "", "ftp"]
BEFORE = KeptDetails(SIGNATURE, "r1 t1", None, ["/s/a"])
STORED = StoredDetails("r1 t1", "r1 t1", "", {}, {"/s/t": b'{"state":"queued","dur":"1"}'})


def change(
    changed: Changed | None = None,
    before: KeptDetails = BEFORE,
    expire: int | None = None,
    stored: StoredDetails = STORED,
) -> Kept:
    def read(paths: Sequence[str]) -> StoredDetails:
        return stored

    return change_details(expire, "r2 t2", changed, before, read)


@pytest.mark.parametrize(
    ("expire", "was", "life"),
    [(None, None, "keep"), (60, None, "set"), (60, 60, "set"), (None, 60, "remove")],
)
def test_the_expiry_follows_the_configuration(expire: int | None, was: int | None, life: str) -> None:
    _, found, after = change(before=BEFORE._replace(expire=was), expire=expire)
    assert (found, after.expire) == (life, expire)


def test_what_changed_is_put_into_what_had_changed_before() -> None:
    changed = Changed({"/s/t": {"state": "active"}, "/s/u": {"try": "2"}}, {"/s/c"})
    asked: list[Sequence[str]] = []

    def read(paths: Sequence[str]) -> StoredDetails:
        asked.append(paths)
        return STORED

    update, _, after = change_details(None, "r2 t2", changed, BEFORE, read)
    values = {"/s/t": b'{"state":"active","dur":"1"}', "/s/u": b'{"try":"2"}'}
    assert update == DetailsUpdate("r2 t2", None, values, "r1 t1")
    assert after == KeptDetails(SIGNATURE, "r2 t2", None, ["/s/c"])
    assert asked == [["/s/t", "/s/u"]]


def test_a_new_revision_is_noted_even_if_no_detail_changed() -> None:
    update, _, after = change()
    assert update == DetailsUpdate("r2 t2", None, {}, "r1 t1")
    assert after == KeptDetails(SIGNATURE, "r2 t2", None, ["/s/a"])


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
        change(Changed({"/s/t": {}}, set()), stored=stored)
