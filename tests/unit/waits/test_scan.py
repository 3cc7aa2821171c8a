"""Tokens, brackets and paths in an expression's text."""

from __future__ import annotations

import re

import pytest

from watchman_cli.waits.scan import MAX_DEPTH, Scanner, TooLarge

DIGITS = re.compile(r"\d+")


def test_a_token_is_taken_after_blanks() -> None:
    scanner = Scanner(" \n 12 x")
    assert scanner.take(re.compile("x")) is None
    assert scanner.at == 0
    match = scanner.take(DIGITS)
    assert match and match[0] == "12"
    assert (scanner.at, scanner.furthest, scanner.since(0)) == (5, 5, "12")
    assert scanner.taken("x") and not scanner.taken("x")


def test_the_first_match_counts_and_a_failed_attempt_takes_nothing() -> None:
    scanner = Scanner("1 2")

    def digits_and_name() -> object:
        return scanner.take(DIGITS) and scanner.take(re.compile("[a-z]"))

    found = scanner.first(digits_and_name, lambda: scanner.take(DIGITS))
    assert found[0] == "1"
    assert (scanner.at, scanner.furthest) == (1, 1)
    assert scanner.first(digits_and_name) is None
    assert scanner.at == 1


def test_brackets() -> None:
    assert Scanner("(1)").deeper(lambda: "x") is None  # it does not end where it should
    scanner = Scanner(" ( 1 )")
    assert scanner.deeper(lambda: scanner.take(DIGITS)) is not None
    assert scanner.at == 6
    assert Scanner("1").deeper(lambda: "x") is None


def test_brackets_that_are_nested_too_deeply() -> None:
    scanner = Scanner("(" * (MAX_DEPTH + 1))

    def inside() -> str | None:
        return scanner.deeper(inside)

    with pytest.raises(TooLarge, match=f"more than {MAX_DEPTH} brackets"):
        inside()


@pytest.mark.parametrize(
    ("text", "path", "rest"),
    [
        ("/s/t == x", "/s/t", " == x"),
        ("a.b//c:V", "a.b/c", ":V"),
        ("../../x", "../../x", ""),
        ("..//../x", "../../x", ""),
        ("./x", "./x", ""),
        ("a /b", "a", " /b"),
        ("a/ b", "a", "/ b"),
        ("..", None, ".."),
        ("../", None, "../"),
        ("./", None, "./"),
        ("/", None, "/"),
        ("-", None, "-"),
    ],
)
def test_a_path(text: str, path: str | None, rest: str) -> None:
    scanner = Scanner(text)
    assert scanner.path() == path
    assert text[scanner.at :] == rest
