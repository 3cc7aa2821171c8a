"""Calls to Redis, as the modules below the store make them: they know this protocol, and not the store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    import redis
    from redis.client import Pipeline

T = TypeVar("T")
# The words of a command, as Redis documents it: its name first. redis-py's methods take half as long again.
Command = tuple[Any, ...]


def queue(pipe: Pipeline, commands: Iterable[Command]) -> None:
    """Add commands to a pipeline, which sends them when it is executed."""
    for words in commands:
        pipe.execute_command(*words)


class Calls(Protocol):
    """Calls to the Redis servers of one store."""

    url: str
    stopped: threading.Event

    @property
    def has_slots(self) -> bool:
        """Return whether a transaction is limited to the keys of one server."""

    def client_for(self, full_key: str) -> redis.Redis:
        """Return a client of the Redis server that has a key. Its errors are for `call`."""

    def command(self, full_key: str, act: Callable[[redis.Redis], T]) -> T:
        """Return the result of `act`, called with a client of the Redis server that has a key.

        If a cluster moves the key's slot and the key has already moved, `act` is called again with a client
        of the new node. Its errors are for `call`.
        """

    def commands(self, full_key: str, *commands: Command) -> list[Any]:
        """Return the answers to commands that are sent together; an error is one of the answers.

        In a cluster, all keys are in the slot of `full_key`. If some keys have already moved while the slot
        is moved, their commands are sent to the new node.
        """

    def call(self, func: Callable[[], T], deadline: float, *, retry_until: float | None = None) -> T:
        """Return the result of `func`, retried if its failure is transient and `deadline` allows.

        With `retry_until`, no attempt begins after that many seconds. A run that was stopped, and resumed
        after its deadline, has one quick attempt, and a second one if its connection was closed.
        Raises StoreError.
        """
