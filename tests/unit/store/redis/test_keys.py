"""The public names of keys, channels and locks in Redis."""

from __future__ import annotations

from watchman_cli.store.redis.keys import ServerKeys, address_key, key, server_keys


def test_the_keys_of_a_server() -> None:
    keys = server_keys("o/r")
    assert keys == ServerKeys(
        "o/r/status",
        "{o/r/status}/health",
        "{o/r/status}/sync",
        "{o/r/status}/changes",
        "{o/r/status}/lock",
        "{o/r/status}/details",
        "{o/r/status}/details/changed",
        "{o/r/status}/silences",
        "o/r/status/channel",
    )
    assert keys.all == keys[:-1]
    assert (keys.of("health"), key("o/r", "sync")) == ("{o/r/status}/health", "{o/r/status}/sync")


def test_the_key_of_an_address() -> None:
    assert address_key("login01:3141") == "{address/login01:3141}/lock"
