"""A node's own line: nothing that a job said passes for the server's words."""

from __future__ import annotations

import pytest

from watchman_cli.details.node import Node


def test_a_line_without_tokens() -> None:
    node = Node("/s/f/t", "task")
    assert (node.name, node.parent, node.state, node.flags, node.job_id) == ("t", "/s/f", "unknown", (), "")
    assert (Node("/s", "suite").parent, Node("/s/t/a", "alias").state) == ("/", "queued")


@pytest.mark.parametrize(
    "text", ["rid:1 state:complete suspended:1 flag:late try:9", "abort<: state:complete suspended:1>abort"]
)
def test_free_text_is_no_token(text: str) -> None:
    node = Node("/s/t", "task", f"{text} try:1 state:aborted")
    assert (node.status, node.suspended, node.flags, node.try_number) == ("aborted", False, (), 1)


def test_a_reason_has_its_lines() -> None:
    assert Node("/s/t", "task", "abort<:a\\nb>abort try:1 state:aborted").reason == "a\nb"
