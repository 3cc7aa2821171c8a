"""Commands as values: they are queued in a pipeline in their order, with their arguments and options."""

from __future__ import annotations

from typing import Any

import redis

from watchman_cli.store.redis.calls import Command, command, queue


def test_command_has_a_method_arguments_and_options() -> None:
    assert command("set", "key", b"value", px=5, nx=True) == Command(
        "set", ("key", b"value"), {"px": 5, "nx": True}
    )
    assert command("ping") == Command("ping", (), {})


def test_commands_are_queued_in_their_order() -> None:
    """redis-py makes the words of each command, and sends nothing yet."""
    pipe: Any = redis.Redis(port=1).pipeline(transaction=False)
    queue(pipe, [command("set", "a", b"1", ex=9), command("getrange", "b", 0, 7), command("delete", "c")])
    sent = [arguments for arguments, _ in pipe.command_stack]
    assert sent == [("SET", "a", b"1", "EX", 9), ("GETRANGE", "b", 0, 7), ("DEL", "c")]
    queue(pipe, ())
    assert len(pipe.command_stack) == 3
