"""A number of a reply is a whole number from 0, or refused."""

from __future__ import annotations

from typing import Any

import pytest

from watchman_cli.ecflow_client.numbers import natural


@pytest.mark.parametrize("value", [0, 1, 1 << 70])
def test_natural_number_is_returned(value: int) -> None:
    assert natural(value) == value


@pytest.mark.parametrize("value", [-1, True, False, 1.0, "1", None, [1]])
def test_other_value_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        natural(value)
