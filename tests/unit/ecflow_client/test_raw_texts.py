"""The texts that ecFlow writes raw: where they end, and whether they may have several lines."""

from __future__ import annotations

import re

import pytest

from watchman_cli.ecflow_client.errors import NotUnderstood
from watchman_cli.ecflow_client.raw_texts import MAY_GO_ON, split_tail


@pytest.mark.parametrize(
    ("tail", "text", "tokens"),
    [
        (" # passwd:x rid:5  try:1 state:active", "passwd:x rid:5", " # try:1 state:active"),
        (" # try:7 rid:5 6 try:1 state:active", "rid:5 6", " # try:7 try:1 state:active"),
        (" # rid: try:1 state:active", "rid:", " # try:1 state:active"),
        (" # try:1 state:active", "", " # try:1 state:active"),
    ],
)
def test_end_of_a_line_has_an_id_between_tokens(tail: str, text: str, tokens: str) -> None:
    found = split_tail(tail)
    assert (found.text, found.tokens) == (text, tokens)


@pytest.mark.parametrize(
    ("tail", "is_unfinished"),
    [
        (" # passwd:x rid:5", True),
        (" # rid:5", True),
        (" # rid:5 try:1", False),
        (" # state:active rid:5", False),
        (" # passwd:x", False),
        (" # try:1", False),
    ],
)
def test_id_goes_on_if_no_tokens_are_behind_it(tail: str, is_unfinished: bool) -> None:
    assert split_tail(tail).is_unfinished is is_unfinished


def test_texts_by_their_names() -> None:
    assert split_tail(" # passwd:x rid:5 try:1 state:active").texts == {"passwd": "x", "rid": "5"}
    assert split_tail(" # rid:5:6 try:1 state:active").texts == {"rid": "5:6"}
    assert split_tail(" # try:1 state:active").texts == {}


def test_reason_of_an_abort_is_left_out() -> None:
    assert split_tail(" # abort<: state:complete>abort state:aborted").tokens == " #  state:aborted"
    with pytest.raises(NotUnderstood, match="not whole"):
        split_tail(" # abort<: state:aborted")


@pytest.mark.parametrize(
    ("lines", "may_span"),
    [
        ("trigger a == complete\nedit V 'x'", False),
        ("trigger a ==\nb == complete", True),
        ("trigger a == complete\nand b == complete", True),
        ("trigger a == complete and\nb == complete", True),
        ("complete a:V\n+ 1 == 2", True),
        ("trigger a == complete\ngeneric x", False),
        ('label l "trigger a =="\nb', False),
    ],
)
def test_an_expression_may_go_on_after_or_before_an_operator(lines: str, may_span: bool) -> None:
    assert bool(re.search(rf"\n *{MAY_GO_ON}", f"task t\n{lines}\n", re.ASCII)) is may_span
