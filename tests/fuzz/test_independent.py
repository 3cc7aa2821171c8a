"""The second reader of the fuzz reads what the first one may read, too."""

from __future__ import annotations

import json

from tests.fuzz.independent import read_full


def body_of(*lines: str) -> bytes:
    """Return a full reading of a definition with these lines."""
    text = "\n".join(("#5.13.8", "defs_state NET state>:queued", *lines, "# enddef", ""))
    sync = {"polymorphic_name": "SSyncCmd", "ptr_wrapper": {"data": {"value1": text}}}
    group = {"ptr_wrapper": {"data": {"cmdVec_": [sync]}}}
    return json.dumps({"22ServerToClientResponse": {"stc_cmd_": group}}).encode()


def test_an_id_that_was_begun_ends_with_a_state() -> None:
    found = read_full(body_of("suite s", "task t # passwd:x rid:1", "ok try:-1 state:active", "endsuite"))
    assert found and [seen.shown for seen in found[1:]] == [
        ("/s", "unknown", frozenset()),
        ("/s/t", "active", frozenset()),
    ]


def test_blanks_behind_the_tokens_of_a_line_are_none_of_them() -> None:
    found = read_full(
        body_of("suite s", "task t # passwd:x try:1 state:aborted flag:late,no_scrip\t", "endsuite")
    )
    assert found and found[2].shown == ("/s/t", "aborted", frozenset(["late"]))


def test_an_id_whose_name_was_damaged_ends_with_a_state() -> None:
    found = read_full(
        body_of("suite s", "task t # passwd:x state:1 job", "ok try:1 state:active", "endsuite")
    )
    assert found and found[2].shown == ("/s/t", "active", frozenset())
