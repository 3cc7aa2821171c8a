"""Ranges, as the Monitoring Plugins Development Guidelines define them."""

from __future__ import annotations

import math

import pytest

from watchman_cli.check.ranges import Range, parse_range, parse_threshold

# "Generate an alert if x is …", the table of the guidelines
GUIDELINES = {
    "10": lambda x: x < 0 or x > 10,
    "10:": lambda x: x < 10,
    "~:10": lambda x: x > 10,
    "10:20": lambda x: x < 10 or x > 20,
    "@10:20": lambda x: 10 <= x <= 20,
}


@pytest.mark.parametrize("text", GUIDELINES)
def test_examples_of_the_guidelines(text: str) -> None:
    found = parse_range(text)
    assert str(found) == text
    for value in (-1, 0, 9.9, 10, 10.1, 15, 20, 20.1, 1e9):
        assert found.alerts(value) == GUIDELINES[text](value), value


@pytest.mark.parametrize("text", ["", ":", "@", "@:", "20:10", "a", "1:b", "-1", "1:2:3", "~", "nan", "1 h"])
def test_invalid_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^invalid (range|duration|threshold) "):
        parse_range(text)


def test_ends_can_be_durations() -> None:
    assert parse_threshold("active_for=10m:2h") == ("active_for", Range(600, 7200))


@pytest.mark.parametrize(
    ("text", "start", "end", "inside"),
    [
        ("10", 0, 10, False),
        ("10:", 10, math.inf, False),
        ("~:10", -math.inf, 10, False),
        ("@10:20", 10, 20, True),
        ("2:2", 2, 2, False),
        ("0:", 0, math.inf, False),
        (":5", 0, 5, False),
        ("1m:2h", 60, 7200, False),
    ],
)
def test_range_is_read(text: str, start: float, end: float, inside: bool) -> None:
    assert parse_range(text) == Range(start, end, inside)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (Range(0, math.inf), "0:"),
        (Range(-math.inf, math.inf), "~:"),
        (Range(0, 1234567.25), "1234567.25"),
        (Range(1, 3, True), "@1:3"),
    ],
)
def test_range_is_written(given: Range, text: str) -> None:
    assert str(given) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "invalid range '': use 10, 10:, ~:10, 10:20 or @10:20"),
        ("@:", "invalid range '@:': use 10, 10:, ~:10, 10:20 or @10:20"),
        ("20:10", "invalid range '20:10': it begins after its end"),
        ("a", "invalid duration 'a': use 90s, 3m, 2h, 1d or 1h30m"),
    ],
)
def test_message_names_the_range_and_the_forms(text: str, message: str) -> None:
    with pytest.raises(ValueError) as raised:
        parse_range(text)
    assert str(raised.value) == message


@pytest.mark.parametrize("text", ["latest=1", "aborted", "=1", "missed=1", "aborted:1"])
def test_invalid_threshold_is_refused(text: str) -> None:
    with pytest.raises(ValueError) as raised:
        parse_threshold(text)
    known = "aborted, late, queued or active_for"
    assert str(raised.value) == f"invalid threshold {text!r}: use MEASURE=RANGE; a measure is {known}"


@pytest.mark.parametrize("name", ["aborted", "late", "queued", "active_for"])
def test_each_measure_can_have_a_threshold(name: str) -> None:
    assert parse_threshold(f"{name}=@1:2") == (name, Range(1, 2, True))


@pytest.mark.parametrize("text", ["late=10=20", "late=late=10"])
def test_range_begins_after_the_first_sign(text: str) -> None:
    with pytest.raises(ValueError, match=r"^invalid duration"):
        parse_threshold(text)
