"""Text from outside: whatever it is, it is seen where it begins and ends, and no terminal obeys it."""

from __future__ import annotations

import ast
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from watchman_cli.text import (
    escaped,
    json_line,
    plain_or_quoted,
    printable,
    quoted,
    short_key,
    suggestion,
)

# C0 and C1 controls, bidi overrides, zero width, the ends of lines that are not "\n", a tag, a surrogate
HOSTILE = "\x1b]0;x\x07\x9b31m\u202e\u2066\u200b\ufeff\x85\u2028\u2029\r\n\U000e0041\udce9"
ANY = st.text() | st.text(st.sampled_from(HOSTILE + " '\"\\a"))


@given(ANY)
@example(" ")
@example("")
@example(HOSTILE)
def test_a_foreign_word_is_visible(text: str) -> None:
    for shown in (quoted(text), short_key(text), plain_or_quoted(text)):
        assert shown and shown.isprintable() and shown == shown.strip()
    assert printable(text).isprintable() and len(printable(text)) == len(text)
    if len(text) <= 200 and not any("\udc80" <= c <= "\udcff" for c in text):
        assert ast.literal_eval(quoted(text)) == text


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("port", "port"),
        ("météo", "météo"),
        ("<<", "<<"),
        (" ", "' '"),
        ("", "''"),
        ("a ", "'a '"),
        ("a\u202e", "'a'..."),
        ("password:secret", "'password'..."),
        ("x" * 61, "'" + "x" * 60 + "'..."),
    ],
)
def test_key_is_quoted_unless_it_is_a_plain_word(key: str, shown: str) -> None:
    assert short_key(key) == shown


def test_bytes_that_are_not_utf_8_are_shown_as_bytes() -> None:
    assert quoted(b"m\xe9t\xe9o/r".decode("utf-8", "surrogateescape")) == r"'m\xe9t\xe9o/r'"


def test_a_long_word_is_cut() -> None:
    assert quoted("x" * 300) == "'" + "x" * 200 + "'..."


@given(st.recursive(st.text(st.characters(codec="utf-8")), lambda inner: st.lists(inner), max_leaves=5))
@example("\x7f\x9b\x85\u2028\u202e\U000e0041\n")
def test_json_on_one_line(document: object) -> None:
    line = json_line(document)
    assert line.isprintable() and len(line.splitlines()) == 1
    assert json.loads(line) == document


@pytest.mark.parametrize(
    ("text", "shown"),
    [("plain", "plain"), ("a\x1b[m", "a\\x1b[m"), ("a\u202eb\n", "a\\u202eb\\n"), ("météo", "météo")],
)
def test_escapes(text: str, shown: str) -> None:
    assert escaped(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("o/r", "o/r"),
        ("a.b:c+d-e", "a.b:c+d-e"),
        ("a b", "'a b'"),
        ("", "''"),
        ("a\u200b", "'a\\u200b'"),
        ("é", "é"),
    ],
)
def test_plain_words_have_no_quotes(text: str, shown: str) -> None:
    assert plain_or_quoted(text) == shown


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("prot", "; did you mean port?"),
        ("ownr", "; did you mean owner?"),
        ("xyz", ""),
        ("", ""),
        ("port" + "x" * 500, ""),
    ],
)
def test_suggestion(word: str, hint: str) -> None:
    assert suggestion(word, ("owner", "port")) == hint


def test_length_of_a_quoted_word() -> None:
    assert quoted("x" * 200) == "'" + "x" * 200 + "'"
    assert quoted("abcdef", longest=3) == "'abc'..."
    assert short_key("x" * 60) == "x" * 60


def test_json_escapes_only_unprintable_characters() -> None:
    assert json_line({"é": "a\u2028\x7f"}) == '{"é":"a\\u2028\\u007f"}'
