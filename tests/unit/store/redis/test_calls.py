"""Commands are queued in a pipeline in their order, as the words that Redis documents."""

from __future__ import annotations

from typing import Any

import redis

from watchman_cli.store.redis.calls import Command, queue

COMMANDS: list[Command] = [("SET", "a", b"1", "EX", 9), ("GETRANGE", "b", 0, 7), ("DEL", "c")]


def test_commands_are_queued_in_their_order() -> None:
    """Nothing is sent yet."""
    pipe: Any = redis.Redis(port=1).pipeline(transaction=False)
    queue(pipe, COMMANDS)
    assert [words for words, _ in pipe.command_stack] == COMMANDS
    queue(pipe, ())
    assert len(pipe.command_stack) == 3
