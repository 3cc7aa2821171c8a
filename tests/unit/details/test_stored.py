"""How it is proved that what is stored belongs together."""

from __future__ import annotations

import pytest

from watchman_cli.details.stored import NO_DETAILS, DetailsUpdate, StoredDetails, make_stamp


@pytest.mark.parametrize(
    ("stamps", "is_whole"),
    [
        (("a", "a", ""), True),
        (("a", "a", "b"), True),  # the changes are of an earlier full reading
        (("b", "a", "b"), True),
        (("b", "a", ""), False),  # the changes are lost
        (("b", "a", "c"), False),
        (("", "", ""), False),
    ],
)
def test_the_stamps_agree(stamps: tuple[str, str, str], is_whole: bool) -> None:
    assert StoredDetails(*stamps, {}, {}).is_whole == is_whole


def test_after_an_update() -> None:
    first = NO_DETAILS.after(DetailsUpdate("r t", {"/": b"x"}, {}))
    assert first == StoredDetails("r t", "r t", "", {"/": b"x"}, {})
    second = first.after(DetailsUpdate("r2 t2", None, {"/s": b"1", "/z": b"2"}, "r t"))
    third = second.after(DetailsUpdate("r3 t3", None, {"/s": b"3"}, "r2 t2"))
    assert third == StoredDetails("r3 t3", "r t", "r3 t3", {"/": b"x"}, {"/s": b"3", "/z": b"2"})
    assert (third.is_whole, third.revision) == (True, "r3")


def test_a_stamp_begins_with_the_revision() -> None:
    assert make_stamp("abc", "2026") == "abc 2026"
