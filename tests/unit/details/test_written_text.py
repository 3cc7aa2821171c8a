"""The texts in a line of a definition."""

from __future__ import annotations

from watchman_cli.details.written_text import escaped, one_line, with_state


def test_a_state_is_written_only_if_there_is_one() -> None:
    assert with_state("a", "", "") == "a"
    assert with_state("a", "b", "", "c") == "a # b c"


def test_a_new_line_does_not_end_a_line() -> None:
    assert escaped("a\nb") == "a\\nb"
    assert one_line("a\nb") == "a b"
