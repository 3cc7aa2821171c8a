"""A server's statistics: what identifies a start of it has ecFlow's own form, or is not taken."""

from __future__ import annotations

import pytest

from tests.unit.ecflow_client.replies import STATISTICS
from watchman_cli.ecflow_client.statistics import Instance, parse_statistics

UP_SINCE = "2026-Nov-24 00:12:57"


def test_ecflows_own_statistics() -> None:
    assert parse_statistics(STATISTICS).instance == Instance("5.9.2", "node1", "3141", UP_SINCE)
    of_5_16 = parse_statistics(STATISTICS + "   PID                        4711\n")
    assert of_5_16.instance == Instance("5.9.2", "node1", "3141", UP_SINCE, "4711")
    fraction = parse_statistics(STATISTICS.replace(UP_SINCE, UP_SINCE + ".123456"))
    assert fraction.instance and fraction.instance.up_since == UP_SINCE + ".123456"


@pytest.mark.parametrize("after", ["\r", "\x85", "\u2028", "\u2029", "\x0b", "\x00", " ", "#", "\u202e", "٣"])
@pytest.mark.parametrize(
    ("label", "value"), [("up since", UP_SINCE), ("port", "3141"), ("host", "node1"), ("version", "(5.9.2")]
)
def test_nothing_else_is_taken(label: str, value: str, after: str) -> None:
    found = parse_statistics(STATISTICS.replace(value, f"{value}{after}x: y"))
    assert found.instance is None
    assert found.missing == (label,)


@pytest.mark.parametrize(
    "up_since", ["", "today", "2026-11-24 00:12:57", "2026-Nov-24", "٢026-Nov-24 00:12:57"]
)
def test_a_time_of_another_form_is_not_taken(up_since: str) -> None:
    assert parse_statistics(STATISTICS.replace(UP_SINCE, up_since)).instance is None


def test_a_process_number_of_another_form_is_left_out() -> None:
    found = parse_statistics(STATISTICS + "   PID                        7\u2028x\n")
    assert found.instance and found.instance.pid is None


@pytest.mark.parametrize("number", ["9" * 5000, "9" * 400, "-1", "٣"])
def test_an_absurd_number_is_zero(number: str) -> None:
    text = STATISTICS.replace("stats cmd                  7", f"stats cmd                  {number}")
    found = parse_statistics(text + f"   Resident_memory_used       {number} MB\n")
    assert found.instance is None and found.missing == ("stats cmd",)
    assert found.vitals == {"resident_memory_megabytes": 0.0}


@pytest.mark.parametrize(
    ("label", "longest"),
    [("Host", "h" * 255), ("Port", "1" * 5), ("stats cmd", "7" * 18), ("group", "7" * 18)],
)
def test_longest_value(label: str, longest: str) -> None:
    assert parse_statistics(f"{STATISTICS}   {label}  {longest}\n").missing == ()
    assert parse_statistics(f"{STATISTICS}   {label}  {longest}1\n").missing == (label.lower(),)


def test_longest_process_number() -> None:
    for number, kept in (("1" * 10, "1" * 10), ("1" * 11, None)):
        found = parse_statistics(f"{STATISTICS}   PID  {number}\n").instance
        assert found and found.pid == kept


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("40 MB", 40.0), ("0.25", 0.25), ("1. 2", 1.0), (".5", 0.0), ("1e-05", 0.0), ("1.2.3", 0.0),
        ("9" * 18 + "." + "9" * 18, 1e18), ("9" * 19, 0.0), ("1." + "9" * 19, 0.0), ("-", 0.0),
    ],
)  # fmt: skip
def test_vital_sign(said: str, number: float) -> None:
    found = parse_statistics(f"{STATISTICS}   Virtual_memory_used  {said}\n")
    assert found.vitals == {"virtual_memory_megabytes": number}


@pytest.mark.parametrize(("said", "state"), [("RUNNING", "RUNNING"), ("HALTED", "HALTED"), ("MELTED", "")])
def test_state_of_the_server_is_one_of_ecflows(said: str, state: str) -> None:
    assert parse_statistics(STATISTICS.replace("RUNNING", said)).server_state == state


def test_counts_and_vital_signs() -> None:
    more = (
        "   plug                       3\n"
        "   Request's per 1,5,15,30,60 min    1.5 2.25 0 0 0\n"
        "   Virtual_memory_used        40 MB\n"
    )
    found = parse_statistics(STATISTICS + more)
    assert (found.stats_count, found.group_count, found.plug_count) == (7, 9, 3)
    assert found.vitals == {"requests_per_second": 1.5, "virtual_memory_megabytes": 40.0}
    assert parse_statistics(STATISTICS).plug_count == 0  # the line is left out
    assert parse_statistics("").server_state == "" and parse_statistics("").vitals == {}


def test_only_spaces_are_around_a_value() -> None:
    assert parse_statistics(STATISTICS.replace("node1", "node1   ")) == parse_statistics(STATISTICS)
    assert parse_statistics(STATISTICS.replace("node1", "node1\t")).missing == ("host",)


def test_value_begins_and_ends_with_any_letter() -> None:
    found = parse_statistics(STATISTICS.replace("node1", "XnodeX")).instance
    assert found and found.host == "XnodeX"


def test_count_ends_at_a_blank() -> None:
    assert parse_statistics(f"{STATISTICS}   plug  3 of 4\n").plug_count == 3


def test_line_of_another_indent_is_none_of_ecflows() -> None:
    for line in ("Host  other\n", " Host  other\n", "      Host  other\n", "\tHost  other\n", "   Host\n"):
        assert parse_statistics(STATISTICS + line) == parse_statistics(STATISTICS)


def test_host_may_have_the_name_of_its_label() -> None:
    found = parse_statistics(STATISTICS.replace("node1", "Host"))
    assert found.instance and found.instance.host == "Host"
