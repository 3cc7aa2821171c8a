"""ASKING before each command of a node that takes over a slot, and its answer removed."""

from __future__ import annotations

from typing import Any

import pytest
from redis import exceptions
from redis.connection import PythonRespSerializer

from tests.unit.store.redis.fake_redis import FakeRedis, answering
from watchman_cli.store.redis.asking import AskingPacker
from watchman_cli.store.redis.client import new_client
from watchman_cli.store.redis.connection import TimeBudget
from watchman_cli.store.redis.url import parse


def packer() -> AskingPacker:
    def encode(value: Any) -> bytes:
        return value if isinstance(value, bytes) else str(value).encode()

    return AskingPacker(PythonRespSerializer(6000, encode))


def sent(packer: AskingPacker, *commands: str) -> list[str]:
    """Return the commands that are packed, by their first words."""
    packed = b"".join(b"".join(packer.pack(*command.split())) for command in commands)
    return [chunk.split(b"\r\n")[2].decode() for chunk in packed.split(b"*")[1:]]


@pytest.mark.parametrize(
    "name", ["AUTH", "HELLO", "CLIENT", "SELECT", "PING", "UNWATCH", "EXEC", "DISCARD", "ping"]
)
def test_command_about_the_connection_needs_none(name: str) -> None:
    asking = packer()
    assert sent(asking, f"{name} x") == [name]
    assert list(asking.prefixed) == [False]


def test_command_with_a_key_follows_asking() -> None:
    asking = packer()
    assert sent(asking, "GET a", "WATCH a", "PING", "SET a 1") == [
        "ASKING", "GET", "ASKING", "WATCH", "PING", "ASKING", "SET",
    ]  # fmt: skip
    assert list(asking.prefixed) == [True, True, False, True]


@pytest.mark.parametrize("end", ["EXEC", "DISCARD"])
def test_transaction_needs_one(end: str) -> None:
    asking = packer()
    assert sent(asking, "MULTI", "SET a 1", "DEL b", end, "GET a") == [
        "ASKING", "MULTI", "SET", "DEL", end, "ASKING", "GET",
    ]  # fmt: skip


def test_words_may_be_bytes_and_in_one_text() -> None:
    asking = packer()
    assert b"ASKING" in b"".join(asking.pack(b"GET", "a"))
    assert b"ASKING" not in b"".join(asking.pack("CLIENT SETINFO", "x"))


def test_closed_connection_forgets_what_it_sent() -> None:
    asking = packer()
    sent(asking, "MULTI", "SET a 1")
    asking.clear()
    assert not asking.prefixed and sent(asking, "SET a 1") == ["ASKING", "SET"]


class Importing(FakeRedis):
    """A node that takes over a slot: it refuses what is not asked so."""

    def __init__(self, refusal: Exception | None = None) -> None:
        super().__init__()
        self.refusal = refusal
        self._asked = False

    def _asking(self) -> Any:
        if self.refusal:
            raise self.refusal
        self._asked = True
        return "OK"

    def _get(self, key: str) -> bytes | None:
        if not self._asked:
            raise Exception("MOVED 7 127.0.0.1:1")
        self._asked = False
        return super()._get(key)


def test_answers_are_those_of_the_commands() -> None:
    with answering(Importing()) as (redis, url):
        redis.put("a", b"1")
        client = new_client(parse(url).endpoints[0], TimeBudget(), None, asking=True)
        assert [client.get("a"), client.ping(), client.get("a")] == [b"1", True, b"1"]
        pipe = client.pipeline(transaction=False)
        pipe.get("a")
        pipe.get("b")
        assert pipe.execute() == [b"1", None]
        client.connection_pool.disconnect()


def test_refusal_of_asking_itself_is_raised() -> None:
    with answering(Importing(Exception("NOPERM no permission to run the 'asking' command"))) as (_, url):
        client = new_client(parse(url).endpoints[0], TimeBudget(), None, asking=True)
        for _ in range(2):
            with pytest.raises(exceptions.NoPermissionError, match="asking"):
                client.get("a")
        with pytest.raises(exceptions.NoPermissionError, match="asking"):
            client.set("a", "1")
        client.connection_pool.disconnect()
