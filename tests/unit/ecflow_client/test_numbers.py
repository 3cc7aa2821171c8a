"""A number of a reply is a whole number from 0, or refused; one in a text has few digits."""

from __future__ import annotations

from typing import Any

import pytest

from watchman_cli.ecflow_client.numbers import is_number, natural


@pytest.mark.parametrize("value", [0, 1, 1 << 70])
def test_natural_number_is_returned(value: int) -> None:
    assert natural(value) == value


@pytest.mark.parametrize("value", [-1, True, False, 1.0, "1", None, [1]])
def test_other_value_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        natural(value)


@pytest.mark.parametrize(
    ("text", "digits", "is_one"),
    [("0", 1, True), ("007", 3, True), ("1234", 3, False), ("", 3, False)]
    + [(text, 3, False) for text in ("-1", "+1", "1 ", "1.", "1_0", "a", "\u0663", "\u00b2")],
)
def test_number_in_a_text(text: str, digits: int, is_one: bool) -> None:
    assert is_number(text, digits) is is_one


def test_number_in_a_text_fits_into_64_bits() -> None:
    assert is_number("9" * 18) and not is_number("9" * 19)
