"""Replies that are damaged, hostile or in another encoding: a clear end, and no part of them in a message."""

from __future__ import annotations

import json
import traceback
import tracemalloc
from typing import Any

import pytest

from tests.unit.ecflow_client import replies
from tests.unit.ecflow_client.replies import FIRST, full, member, reply
from watchman_cli.ecflow_client import (
    AccessRefused,
    EcflowError,
    FullReadingRequired,
    HandleGone,
    ListHandles,
    NotEcflow,
    NotUnderstood,
    Register,
    RequestRefused,
    TooSlow,
    Work,
)
from watchman_cli.ecflow_client import replies as replies_module
from watchman_cli.ecflow_client.replies import NOT_PERMITTED, decode_reply
from watchman_cli.ecflow_client.requests import (
    Caller,
    FullSync,
    Stats,
    Sync,
    encode_request,
)
from watchman_cli.ecflow_client.statistics import parse_statistics

MARKER = "xyzzy-4711"
SUITE = ("suite s", "  edit V '%s'", "  task t # state:active", "endsuite")


def text(value: str) -> str:
    return replies.definition(*SUITE) % value


@pytest.mark.parametrize("key", ["value1", "server_defs_"])
@pytest.mark.parametrize("value", ["plain", "é", "é€𝄞", 'a "quote" \\ and \\\\', '","value1": "#', "\\"])
def test_a_definition_with_any_text(key: str, value: str) -> None:
    found = decode_reply(reply(full(text(value), key)), "u").definition
    assert found and found.paths == ["/s", "/s/t"]


@pytest.mark.parametrize("value", [b"\xe9", b"\x80\xff", b"\xc3"])
def test_text_that_is_not_utf_8(value: bytes) -> None:
    body = reply(full(text("HERE")), member("SStringCmd", str_=replies.STATISTICS + "LABEL"))
    found = decode_reply(bytearray(bytes(body).replace(b"HERE", value).replace(b"LABEL", value)), "u")
    assert found.definition and found.definition.paths == ["/s", "/s/t"]
    assert found.statistics and found.statistics.instance


@pytest.mark.parametrize("key", ["value1", "server_defs_"])
def test_json_that_a_proxy_laid_out_anew(key: str) -> None:
    document = json.loads(reply(full(text("a\\nb"), key), member("SStringCmd", str_=replies.STATISTICS)))
    for layout in ({"separators": (",", ":")}, {"indent": 4}, {"indent": 1, "ensure_ascii": True}):
        found = decode_reply(bytearray(json.dumps(document, **layout).encode()), "u")
        assert found.definition and found.definition.paths == ["/s", "/s/t"]
        assert found.statistics and found.statistics.instance


def test_the_body_is_not_kept_beside_its_text() -> None:
    body = reply(full(text("x" * 100_000)))
    decode_reply(body, "u")
    assert len(body) == 0


@pytest.mark.parametrize("value", ["x", "é", "漢"], ids=["ASCII", "Latin-1", "none of it"])
def test_ten_megabytes_cost_no_more_for_one_character(value: str) -> None:
    """Decoded to text, one character outside Latin-1 would have each of the others take four bytes."""
    lines = ["  edit V 'HERE'", *("  edit V '" + "x" * 10_000 + "'" for _ in range(1_000))]
    body = reply(full(replies.definition("suite s", *lines, "  task t # state:active", "endsuite")))
    body = body.replace(b"HERE", value.encode())
    size = len(body)
    assert size > 10_000_000
    tracemalloc.start()
    try:
        found = decode_reply(body, "u").definition
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found and found.paths == ["/s", "/s/t"]
    assert peak < 1.2 * size


def error(message: str) -> EcflowError:
    found = decode_reply(reply(member("ErrorCmd", error_msg_=f"{message} {MARKER}")), "fred").error
    assert found and MARKER not in str(found)
    return found


def test_errors_have_words_of_our_own() -> None:
    assert isinstance(error("ClientSuiteMgr:: handle dropped, or not registered:"), HandleGone)
    assert isinstance(error("[ authentication failed ] User"), AccessRefused)
    assert "fred" in str(error("request not accepted, due to access"))
    assert isinstance(error("Could not find node"), RequestRefused)
    assert isinstance(decode_reply(reply(member("ErrorCmd")), "fred").error, RequestRefused)


def test_error_without_data_is_one() -> None:
    bare = {"polymorphic_name": "ErrorCmd", "ptr_wrapper": {"id": FIRST | 1}}
    assert isinstance(decode_reply(reply(bare), "fred").error, RequestRefused)


def test_answer_to_one_command_needs_no_group() -> None:
    single = member("SStringCmd", str_=replies.STATISTICS) | {"polymorphic_id": FIRST | 1}
    body = bytearray(json.dumps({"22ServerToClientResponse": {"stc_cmd_": single}}).encode())
    assert decode_reply(body, "u").statistics


def test_user_who_may_not_read_all_is_told_so() -> None:
    refused = error("Insufficient permissions for user")
    assert isinstance(refused, AccessRefused) and NOT_PERMITTED in str(refused) and "fred" in str(refused)
    assert NOT_PERMITTED not in str(error("authentication failed"))


@pytest.mark.parametrize(("data", "number"), [({"handle_": 7}, 7), ({}, 0)])
def test_handle_that_was_registered(data: dict[str, int], number: int) -> None:
    assert decode_reply(reply(member("SClientHandleCmd", **data)), "u").registered == number


def test_text_in_a_change_is_not_taken_for_a_definition() -> None:
    """In an aviso, the key of a definition has any user's text."""
    aviso = replies.memento("NodeAvisoMemento", value1=text(MARKER))
    changes = replies.delta(("/s", [aviso]))
    found = decode_reply(reply(member("SSyncCmd", incremental_changes_=changes)), "u", with_lines=True)
    assert found.definition is None and found.changes
    assert found.changes.mementos[0].fields == [aviso]


@pytest.mark.parametrize("key", ["value1", "server_defs_"])
@pytest.mark.parametrize("last", [True, False])
def test_definition_is_not_parsed_as_json(key: str, last: bool) -> None:
    """It is cut out, wherever it stands: JSON would have it in memory once more."""
    data = {key: text("x"), "full_defs_": True}
    body = reply(member("SSyncCmd", **(dict(reversed(data.items())) if last else data)))
    found, rest = replies_module._cut_definition(body, Work())
    assert found == text("x")
    assert json.loads(rest)["22ServerToClientResponse"] and b"defs_state" not in rest


def test_places_where_a_definition_is_cut_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = reply(
        full(replies.definition("suite s", *(f"  edit V{n} '\\n\\ \" é'" for n in range(9)), "endsuite")),
        member("SStringCmd", str_=replies.STATISTICS),
    )
    expected = decode_reply(bytearray(whole), "u", with_lines=True)
    assert expected.definition and expected.definition.lines and len(expected.definition.lines.text) > 200
    for size in (1, 2, 3, 5, 8, 13, 21, 34, 55, 89):
        monkeypatch.setattr(replies_module, "DECODED_TOGETHER", size)
        assert decode_reply(bytearray(whole), "u", with_lines=True) == expected


@pytest.mark.parametrize(("encoding", "expected"), [("utf-8", "é €"), ("latin-1", "é ?")])
def test_escaped_letter_is_kept_if_the_encoding_has_it(encoding: str, expected: str) -> None:
    body = bytes(reply(full(text("HERE")))).replace(b"HERE", "é ".encode(encoding) + b"\\u20ac")
    found = decode_reply(bytearray(body), "u", with_lines=True).definition
    assert found and found.lines and expected.encode(encoding).decode("latin-1") in found.lines.text


class Countdown(Work):
    """Work whose time is up at one of its checks."""

    def __init__(self, checks: int) -> None:
        super().__init__()
        self.left = checks

    def require(self, seconds: float) -> None:
        self.left -= 1
        if self.left < 0:
            raise TooSlow("")


def checks_of(*members: dict[str, Any]) -> int:
    """Return how often a reply's time is checked; each of them can end it."""
    for checks in range(1000):
        try:
            decode_reply(reply(*members), "u", Countdown(checks))
            return checks
        except TooSlow:
            pass
    raise AssertionError("endless")


def test_time_is_checked_in_each_part_of_a_reply() -> None:
    """Many answers, a definition and changes all end with the time that they have."""
    answer = checks_of(member("StcCmd"))
    assert checks_of(member("StcCmd"), member("StcCmd")) == answer + 1
    no_changes, one_change = (
        member("SSyncCmd", incremental_changes_=replies.delta(*nodes)) for nodes in ((), (("/s", ()),))
    )
    assert checks_of(no_changes) == answer
    assert checks_of(one_change) == answer + 1
    decoding = 1
    assert checks_of(full(text(""))) > answer + decoding  # so that its parsing checks the time, too


def test_change_of_an_unknown_kind_needs_a_full_reading() -> None:
    changes = replies.delta(("/s", [replies.memento("NodeNoveltyMemento")]))
    found = decode_reply(reply(member("SSyncCmd", incremental_changes_=changes)), "u")
    assert isinstance(found.required, FullReadingRequired) and found.changes is None


def test_changes_that_are_not_understood_need_a_full_reading() -> None:
    found = decode_reply(reply(member("SSyncCmd", incremental_changes_={"compound_mementos_": 7})), "u")
    assert isinstance(found.required, FullReadingRequired) and found.changes is None


def test_lists_take_as_long_to_parse_as_objects_and_longer_than_items_and_text() -> None:
    lists, objects, items, letters = (
        replies_module._seconds_to_load(each * 1000) for each in (b"[", b"{", b",", b"x")
    )
    assert lists == objects > items > letters > 0


WRONG: dict[str, Any] = {
    "an unknown answer": member("SNoveltyCmd"),
    "no name": {"ptr_wrapper": {"data": {}}},
    "a name that is a list": {**member("x"), "polymorphic_name": [MARKER]},
    "a number as text": {**member("StcCmd"), "polymorphic_id": "1"},
    "statistics that are a number": member("SStringCmd", str_=7),
    "a handle that is text": member("SClientHandleCmd", handle_=MARKER),
    "a negative handle": member("SClientHandleCmd", handle_=-1),
    "handles of nobody": member("SClientHandleSuitesCmd", users_=[], client_handles_=[{"first": MARKER}]),
    "no definition": member("SSyncCmd", full_defs_=True),
    "a definition in the wrong place": member(
        "SSyncCmd", full_defs_=True, incremental_changes_={"value1": text(MARKER)}
    ),
    "half a definition": full(text(MARKER)[:-20]),
    "a definition that is a list": member("SSyncCmd", value1=[MARKER]),
    "an empty sync": member("SSyncCmd", full_defs_=False, value1=7),
    "data that is text": {"polymorphic_name": "SStringCmd", "ptr_wrapper": {"data": MARKER}},
}


@pytest.mark.parametrize("what", WRONG)
def test_a_reply_that_cannot_be_understood_is_refused_without_a_word_of_it(what: str) -> None:
    with pytest.raises(EcflowError) as raised:
        decode_reply(reply(WRONG[what]), "u")
    assert str(raised.value) in {
        "the server's reply cannot be understood",
        "the server's definition is not whole",
        "the server sent no definition",
    }


def test_sync_without_its_definition_is_named() -> None:
    for data in (WRONG["no definition"], member("SSyncCmd", full_defs_=True, incremental_changes_={})):
        with pytest.raises(NotUnderstood, match=r"^the server sent no definition$"):
            decode_reply(reply(data), "u")


def test_every_cut_and_every_flipped_byte_ends_in_words_of_our_own() -> None:
    whole = bytes(
        reply(
            member("SStringCmd", str_=replies.STATISTICS),
            member("SClientHandleSuitesCmd", users_=[{"first": "u", "second": [1]}], client_handles_=[]),
            full(text(MARKER)),
        )
    )
    for place in range(0, len(whole), 3):
        damaged = [bytearray(whole[:place]), bytearray(whole)]
        damaged[1][place] ^= 1 << place % 7
        for body in damaged:
            try:
                decode_reply(body, "u")
            except EcflowError as error:
                assert MARKER not in str(error)


def test_a_type_is_named_at_its_first_use_only() -> None:
    first = {"polymorphic_id": FIRST | 9, **member("SStringCmd", str_=replies.STATISTICS)}
    again = {"polymorphic_id": 9, "ptr_wrapper": first["ptr_wrapper"]}
    assert decode_reply(reply(first, again), "u").statistics


def test_statistics_of_a_megabyte_are_read_at_once() -> None:
    """In time that grows with its length, not with its square: no other thread could run meanwhile."""
    for line in ("   " + "a  " * 300_000, "   a" + " " * 1_000_000 + "\r", "   " + " b" * 500_000):
        assert parse_statistics(line).instance is None


@pytest.mark.parametrize("value", ["", "\n\n", "   Version", "   stats cmd   " + "9" * 4000])
def test_statistics_that_are_none_name_what_is_missing(value: str) -> None:
    found = parse_statistics(value)
    assert found.instance is None
    assert {"version", "host", "port", "up since", "group"} <= set(found.missing)


def test_a_request_names_no_handle_in_a_full_sync() -> None:
    body = encode_request([Register(("m", "s")), FullSync(), Stats(), ListHandles()], Caller("u", "h"))
    assert body.count(b'"api_":2,"client_handle_":0') == 1
    assert b'"api_":2,"client_handle_":1' not in body
    assert b'"api_":1,"client_handle_":7' in encode_request([Sync(0, 0, 7)], Caller("u", "h"))


def test_no_exception_carries_a_part_of_the_reply_in_its_text() -> None:
    with pytest.raises(NotUnderstood) as raised:
        decode_reply(reply(full(text(MARKER)[:-20])), "u")
    assert MARKER not in "".join(traceback.format_exception_only(raised.type, raised.value))


@pytest.mark.parametrize(
    "damage",
    ['"', '\\"\\\\"', "\\x", "\\", "\\u12", '"x"', "\x01"],
    ids=["quote", "pair", "escape", "end", "unicode", "two", "control"],
)
@pytest.mark.parametrize("text", ["plain", "\xe9"], ids=["ASCII", "Latin-1"])
def test_definition_that_is_not_a_json_string_is_refused(damage: str, text: str) -> None:
    """It is cut out of the JSON: a reply that was spliced on its way must not be taken for a whole one."""
    whole = bytes(replies.reply(replies.full(replies.definition("suite s", f"edit V '{text}'", "endsuite"))))
    body = bytearray(whole.decode().encode("latin-1"))
    assert decode_reply(bytearray(body), "u").definition
    with pytest.raises(NotEcflow):
        decode_reply(body.replace(text.encode("latin-1"), (text + damage).encode("latin-1")), "u")
