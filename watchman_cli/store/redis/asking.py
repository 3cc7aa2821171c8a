"""A connection to a node of a Redis Cluster that is just taking over a slot: ASKING precedes each command.

Such a node serves the slot's keys only to a client that says ASKING. It is valid for one command or for one
transaction. It is sent together with the command, and its own answer is removed.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from redis import exceptions

from watchman_cli.store.redis.connection import BoundedConnection

# Commands about the connection, or the end of a transaction; the others have a key, or begin a transaction.
_WITHOUT = frozenset({"AUTH", "HELLO", "CLIENT", "SELECT", "PING", "UNWATCH", "EXEC", "DISCARD"})


class AskingPacker:
    """Packs commands, with ASKING before those that need it, and notes these."""

    def __init__(self, packer: Any) -> None:
        self._packer = packer
        self._in_transaction = False
        self.prefixed: deque[bool] = deque()  # for each command without an answer yet

    def pack(self, *arguments: Any) -> list[Any]:
        """Return the bytes of one command, as redis-py's packers do."""
        word = arguments[0].decode() if isinstance(arguments[0], bytes) else str(arguments[0])
        name = word.split()[0].upper()
        wants = name not in _WITHOUT and not self._in_transaction
        self._in_transaction = name == "MULTI" or (self._in_transaction and name not in ("EXEC", "DISCARD"))
        self.prefixed.append(wants)
        packed: list[Any] = self._packer.pack(*arguments)
        return [*self._packer.pack("ASKING"), *packed] if wants else packed

    def clear(self) -> None:
        """Forget the sent commands: no more answers come."""
        self._in_transaction = False
        self.prefixed.clear()


class AskingConnection(BoundedConnection):
    """A BoundedConnection that says ASKING."""

    def _construct_command_packer(self, packer: Any) -> AskingPacker:
        self._asking = AskingPacker(super()._construct_command_packer(packer))
        return self._asking

    def read_response(self, *arguments: Any, **options: Any) -> Any:
        """Return the answer to the next command. Raises the error in it, or in the answer to ASKING."""
        refusal = None
        if self._asking.prefixed and self._asking.prefixed.popleft():
            try:
                super().read_response(*arguments, **options)
            except exceptions.ResponseError as error:
                refusal = error
        try:
            answer = super().read_response(*arguments, **options)
        except exceptions.ResponseError as error:
            raise refusal or error from None  # if ASKING is refused, MOVED follows
        if refusal is not None:
            raise refusal
        return answer

    def disconnect(self, *arguments: Any, **options: Any) -> None:
        """Close the connection."""
        super().disconnect(*arguments, **options)  # type: ignore[no-untyped-call]
        self._asking.clear()
