"""A node's flags, in a definition's text and as the bits of a change."""

from __future__ import annotations

from typing import Any

import pytest

from watchman_cli.ecflow_client.details import DETAILS
from watchman_cli.ecflow_client.details.flags import FLAGS, NAMES, SHOWN, names_of, read_memento, read_token

# Flag.hpp: the number of each flag's bit.
BITS = {
    "task_aborted": 2, "edit_failed": 3, "ecfcmd_failed": 4, "no_script": 5, "killed": 6, "late": 7,
    "zombie": 13, "threshold": 17, "log_error": 20, "checkpt_error": 21, "killcmd_failed": 22,
    "statuscmd_failed": 23, "remote_error": 25,
}  # fmt: skip


def memento(bits: int) -> dict[str, Any]:
    return {"flag_": {"flag_": bits}}


def test_each_shown_flag_has_its_bit() -> None:
    assert set(BITS) == SHOWN and len(NAMES) == 26
    for name, bit in BITS.items():
        assert read_memento(memento(1 << bit)) == (name,)
        assert read_token(name) == (name,)


@pytest.mark.parametrize("name", sorted(set(NAMES) - SHOWN))
def test_other_flags_are_left_out(name: str) -> None:
    assert read_token(name) is None
    assert read_memento(memento(1 << NAMES.index(name))) is None


def test_flags_are_in_the_order_of_their_bits() -> None:
    assert read_token("zombie,message,late,task_aborted") == ("task_aborted", "late", "zombie")
    assert read_memento(memento(1 << 13 | 1 << 7 | 1 << 8 | 1 << 2)) == ("task_aborted", "late", "zombie")
    assert read_memento(memento((1 << 26) - 1)) == tuple(name for name in NAMES if name in SHOWN)


def test_each_bit_has_its_name() -> None:
    assert names_of(0) == () and names_of(1 << 8 | 1) == ("force_aborted", "message")
    assert names_of((1 << 30) - 1) == NAMES
    invalid: Any
    for invalid in ("1", 1.0):
        with pytest.raises(TypeError):
            names_of(invalid)


def test_node_without_flags() -> None:
    assert read_token("") is None and read_token("later") is None
    assert read_memento(memento(0)) is None
    assert read_memento({"flag_": {}}) is None  # ecFlow does not write a 0


@pytest.mark.parametrize("fields", [memento(-1), {"flag_": {"flag_": "4"}}, {"flag_": {"flag_": True}}])
def test_number_that_is_invalid_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        read_memento(fields)


def test_detail_of_a_node() -> None:
    assert FLAGS in DETAILS
    assert (FLAGS.name, FLAGS.token, FLAGS.memento, FLAGS.method) == (
        "flags",
        "flag",
        "FlagMemento",
        "get_flag",
    )
    assert (
        FLAGS.read_token("late") == FLAGS.read_method("late") == FLAGS.read_memento(memento(128)) == ("late",)
    )
