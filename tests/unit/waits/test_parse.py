"""Which texts ecFlow reads, and how: each row was tried with the bindings of ecFlow 5.9.2."""

from __future__ import annotations

import pytest

from watchman_cli.waits.parse import MAX_LENGTH, parse
from watchman_cli.waits.scan import MAX_DEPTH, TooLarge, Unreadable
from watchman_cli.waits.syntax import (
    Comparison,
    EventIs,
    Expression,
    FlagOf,
    Instant,
    JulianDay,
    Junction,
    Name,
    NodeIs,
    Not,
    Number,
    Opposite,
    Sum,
)


def shape(expression: Expression) -> str:
    """Return an expression with a bracket around each operand."""
    if isinstance(expression, Junction):
        return f" {expression.operator} ".join(f"[{shape(each)}]" for each in expression.operands)
    return f"not [{shape(expression.operand)}]" if isinstance(expression, Not) else expression.text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "a == complete and b == queued or c == aborted",
            "[[a == complete] and [b == queued]] or [c == aborted]",
        ),
        (
            "a == complete or b == queued and c == aborted",
            "[a == complete] or [[b == queued] and [c == aborted]]",
        ),
        (
            "(a == complete) and b == queued or c == aborted",
            "[a == complete] and [[b == queued] or [c == aborted]]",
        ),
        (
            "a == complete or b == queued or c == aborted",
            "[a == complete] or [b == queued] or [c == aborted]",
        ),
        ("not a == complete or c == queued", "[not [a == complete]] or [c == queued]"),
        ("not (a == complete or b == queued)", "not [[a == complete] or [b == queued]]"),
        ("!(a:V) && ~b<flag>late", "[not [(a:V)]] and [not [b<flag>late]]"),
        ("not (not a:V)", "not [not [a:V]]"),
        ("a:V == 5and b:e", "[a:V == 5] and [b:e]"),
        ("a:V and && b:V or || c:V OR d:V", "[[a:V] and [b:V]] or [c:V] or [d:V]"),
        ("a:V && AND b:V || OR c:V", "[[a:V] and [b:V]] or [c:V]"),
        (" a:V ", "a:V"),
    ],
)
def test_what_is_joined_with_what(text: str, wanted: str) -> None:
    assert shape(parse(text)) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a == complete", NodeIs("a == complete", "a", True, "complete")),
        ("/s//f///3 ne aborted", NodeIs("/s//f///3 ne aborted", "/s/f/3", False, "aborted")),
        ("../../s/a eq queued", NodeIs("../../s/a eq queued", "../../s/a", True, "queued")),
        ("./3 != active", NodeIs("./3 != active", "./3", False, "active")),
        ("00 == submitted", NodeIs("00 == submitted", "00", True, "submitted")),
        ("x.y_1==unknown", NodeIs("x.y_1==unknown", "x.y_1", True, "unknown")),
        ("a:e == set", EventIs("a:e == set", Name("a:e", "a", "e"), True, True)),
        ("a:7 ne clear", EventIs("a:7 ne clear", Name("a:7", "a", "7"), False, False)),
        ("a : V", Comparison("a : V", Name("a : V", "a", "V"), ())),
        (":V", Comparison(":V", Name(":V", None, "V"), ())),
        ("/<flag>late", Comparison("/<flag>late", FlagOf("/<flag>late", "/", "late"), ())),
        ("a <flag> zombie", Comparison("a <flag> zombie", FlagOf("a <flag> zombie", "a", "zombie"), ())),
        ("1 ge 2", Comparison("1 ge 2", Number("1", 1), ((">=", Number("2", 2)),))),
        ("1 == ! 0", Comparison("1 == ! 0", Number("1", 1), (("==", Opposite("! 0", Number("0", 0))),))),
        (
            "1 - 2 * (:V)",
            Comparison(
                "1 - 2 * (:V)",
                Sum("1 - 2 * (:V)", Number("1", 1), (("-", Number("2", 2)), ("*", Name(":V", None, "V")))),
                (),
            ),
        ),
        (
            "cal::date_to_julian (00:V) gt 3",
            Comparison(
                "cal::date_to_julian (00:V) gt 3",
                JulianDay("cal::date_to_julian (00:V)", True, Name("00:V", "00", "V")),
                ((">", Number("3", 3)),),
            ),
        ),
        (
            "20260101T000000 lt 5",
            Comparison("20260101T000000 lt 5", Instant("20260101T000000"), (("<", Number("5", 5)),)),
        ),
    ],
)
def test_a_comparison(text: str, wanted: Expression) -> None:
    assert parse(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "not(a == complete)",
        "not not a:V",
        "-1 == a:V",
        "a == COMPLETE",
        "a == suspended",
        "a <= complete",
        "1 == (a:V == 5)",
        "(1 == 1) == 1",
        "00:V == 1",
        "1 == 00:V",
        "cal::date_to_julian(:V)",
        "a == complete and",
        "or a == complete",
        "(a == complete",
        "a == complete)",
        "/s / a == complete",
        "./ a == complete",
        "//s/a == complete",
        "../.. == complete",
        "./ == complete",
        "a:V = = 5",
        "2 0 == 20",
        "a:V == 5 b",
        "a == complete & & b == queued",
        "cal::other(3)",
        "a<flag>killed",
        ". == complete",
    ],
)
def test_a_text_that_ecflow_refuses(text: str) -> None:
    with pytest.raises(Unreadable) as raised:
        parse(text)
    assert not isinstance(raised.value, TooLarge)


def test_the_place_of_a_mistake() -> None:
    with pytest.raises(Unreadable, match=r"^ecFlow cannot read it from character 18 on$"):
        parse("a == complete and")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a:V == 2147483648", "a number is above 2147483647; ecFlow fails at it"),
        ("a:V == 99999999999999999999", "a number is above 2147483647; ecFlow fails at it"),
        (
            "(" * (MAX_DEPTH + 1) + "a:V" + ")" * (MAX_DEPTH + 1),
            f"it has more than {MAX_DEPTH} brackets in one another",
        ),
        ("a:V or " * MAX_LENGTH + "a:V", f"it is longer than {MAX_LENGTH} characters"),
    ],
    ids=["number", "large number", "brackets", "length"],
)
def test_a_text_that_is_too_large(text: str, why: str) -> None:
    with pytest.raises(TooLarge, match=f"^{why}$"):
        parse(text)


def test_the_largest_texts_are_read() -> None:
    parse("a:V == 2147483647")
    assert isinstance(parse("(" * MAX_DEPTH + "a == complete" + ")" * MAX_DEPTH), NodeIs)
    long = parse(" or ".join(["a:V"] * 2000))
    assert isinstance(long, Junction) and len(long.operands) == 2000
