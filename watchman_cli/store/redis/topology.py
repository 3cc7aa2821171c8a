"""The Redis server that has a key: the only one, the Sentinels' master, or a node of a cluster."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import redis
from redis import exceptions
from redis.crc import key_slot

from watchman_cli.store.redis.client import new_client
from watchman_cli.store.redis.connection import TimeBudget, in_threads
from watchman_cli.store.redis.errors import is_ask, no_master
from watchman_cli.store.redis.url import Endpoint, RedisAddress

T = TypeVar("T")


class Topology(ABC):
    """The Redis servers of one address, each with its own client."""

    follows_master = True  # whether another server may take over if one fails
    has_slots = False  # whether a transaction is limited to the keys of one slot

    def __init__(self, address: RedisAddress, budget: TimeBudget) -> None:
        self._address, self._budget = address, budget
        self._clients: dict[tuple[Endpoint, bool], redis.Redis] = {}
        self._lock = threading.Lock()

    @abstractmethod
    def client_for(self, key: str) -> redis.Redis:
        """Return a client of the Redis server that has `key`. Raises RedisError, OSError or StoreError."""

    def asking_client(self, key: str, error: exceptions.AskError) -> redis.Redis:
        """Return a client of the node that an ASK names; it says ASKING with each command.

        Raises `error` if it is not an ASK, or if there are no nodes.
        """
        raise error

    def forget(self, error: Exception) -> None:  # noqa: B027 (one Redis stays where it is)
        """Look up the servers of keys again after `error`."""

    def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            client.connection_pool.disconnect()

    def _client(self, endpoint: Endpoint, *, asking: bool = False) -> redis.Redis:
        with self._lock:
            if (endpoint, asking) not in self._clients:
                address = self._address
                self._clients[endpoint, asking] = new_client(
                    endpoint,
                    self._budget,
                    address.context,
                    address.username,
                    address.password,
                    address.db,
                    asking=asking,
                )
            return self._clients[endpoint, asking]

    def _ask_all(self, endpoints: Sequence[Endpoint], ask: Callable[[Endpoint], T]) -> T:
        """Return the first good answer: some may hang, and none delays the others."""
        return in_threads([partial(ask, endpoint) for endpoint in endpoints], self._budget)


class SingleRedis(Topology):
    """One Redis, which has every key."""

    follows_master = False

    def client_for(self, key: str) -> redis.Redis:
        return self._client(self._address.endpoints[0])


class SentinelMaster(Topology):
    """The master of a service, found by the Sentinels."""

    def __init__(self, address: RedisAddress, budget: TimeBudget) -> None:
        super().__init__(address, budget)
        self._master: Endpoint | None = None

    def client_for(self, key: str) -> redis.Redis:
        master = self._master
        if master is None:
            master = self._master = self._ask_all(self._address.endpoints, self._ask)
        return self._client(master)

    def forget(self, error: Exception) -> None:
        self._master = None

    def _ask(self, sentinel: Endpoint) -> Endpoint:
        """Return the master's endpoint from one Sentinel."""
        address = self._address
        user, password = address.sentinel_username, address.sentinel_password
        client = new_client(sentinel, self._budget, address.context, user, password)
        try:
            found: Any = client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", address.service)
        finally:
            client.connection_pool.disconnect()
        if not found:
            raise no_master(address.service)
        return Endpoint(_text(found[0]), int(found[1]))


class Cluster(Topology):
    """A Redis Cluster: each master has the keys of some slots."""

    has_slots = True

    def __init__(self, address: RedisAddress, budget: TimeBudget) -> None:
        super().__init__(address, budget)
        self._slots: list[tuple[int, int, Endpoint]] = []
        self._moved: dict[int, Endpoint] = {}
        self._nodes = set(address.endpoints)

    def client_for(self, key: str) -> redis.Redis:
        return self._client(self._endpoint_of(key))

    def _endpoint_of(self, key: str) -> Endpoint:
        slot = key_slot(key.encode())
        if slot in self._moved:
            return self._moved[slot]
        slots = self._slots
        if not slots:
            slots = self._ask_all(sorted(self._nodes, key=str), self._ask)
            self._nodes = self._nodes | {node for _, _, node in slots}
            self._slots = slots
        for first, last, node in slots:
            if first <= slot <= last:
                return node
        self._slots = []
        raise exceptions.ClusterDownError(f"no node has slot {slot}")

    def asking_client(self, key: str, error: exceptions.AskError) -> redis.Redis:
        if not is_ask(error):
            raise error
        host = error.host or self._endpoint_of(key).host  # a cluster may name no hosts: the same one
        return self._client(Endpoint(host, error.port), asking=True)

    def forget(self, error: Exception) -> None:
        if isinstance(error, exceptions.MovedError) and error.host:
            self._moved[error.slot_id] = Endpoint(error.host, error.port)
        elif not isinstance(error, (exceptions.TryAgainError, exceptions.AskError)):
            self._slots, self._moved = [], {}

    def _ask(self, node: Endpoint) -> list[tuple[int, int, Endpoint]]:
        """Return the slots of each master, from one node."""
        answer: Any = self._client(node).execute_command("CLUSTER SLOTS")
        if not answer:
            raise exceptions.ClusterDownError("the cluster has no slots yet")
        return [
            (first, last, Endpoint(_text(master[0]) or node.host, int(master[1])))
            for first, last, master, *_ in answer
        ]


def open_topology(address: RedisAddress, budget: TimeBudget) -> Topology:
    """Return the servers of `address`."""
    if address.kind == "sentinel":
        return SentinelMaster(address, budget)
    return Cluster(address, budget) if address.kind == "cluster" else SingleRedis(address, budget)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value or "")
