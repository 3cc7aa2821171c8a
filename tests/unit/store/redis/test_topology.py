"""The Redis that has a key: the only one, the master that Sentinels name, or a node of a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from redis import exceptions
from redis.crc import key_slot

from tests.support.loopback import free_port
from tests.unit.store.redis.fake_redis import FakeRedis, answering
from watchman_cli.errors import StoreError
from watchman_cli.store.redis.connection import TimeBudget
from watchman_cli.store.redis.topology import Cluster, SentinelMaster, SingleRedis, Topology, open_topology
from watchman_cli.store.redis.url import parse


def port_of(client: Any) -> int:
    port: int = client.connection_pool.connection_kwargs["endpoint"].port
    return port


class Directory(FakeRedis):
    """A Sentinel, or a node of a cluster: it knows the others."""

    def __init__(self) -> None:
        super().__init__()
        self.answer: Any = None

    def _sentinel(self, *words: str) -> Any:
        assert words == ("GET-MASTER-ADDR-BY-NAME", "mymaster")
        return self.answer

    def _cluster(self, word: str) -> Any:
        assert word == "SLOTS"
        return self.answer


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def start(stack: ExitStack) -> tuple[Directory, int]:
    redis, url = stack.enter_context(answering(Directory()))
    assert isinstance(redis, Directory)
    return redis, parse(url).endpoints[0].port


def topology_of(stack: ExitStack, url: str) -> Topology:
    topology = open_topology(parse(url), TimeBudget())
    stack.callback(topology.close)
    return topology


def test_one_redis_has_every_key(stack: ExitStack) -> None:
    topology = topology_of(stack, "redis://h:7/2")
    assert isinstance(topology, SingleRedis) and not topology.follows_master and not topology.has_slots
    client = topology.client_for("a")
    assert client is topology.client_for("b") and port_of(client) == 7
    assert client.connection_pool.connection_kwargs["db"] == 2
    topology.forget(exceptions.ConnectionError())
    assert topology.client_for("a") is client
    error = exceptions.AskError("7 h:8")
    with pytest.raises(exceptions.AskError) as raised:
        topology.asking_client("a", error)
    assert raised.value is error


# -------------------------------------------------------------------------------- Sentinels


def test_sentinels_name_the_master(stack: ExitStack) -> None:
    sentinel, port = start(stack)
    sentinel.answer = [b"127.0.0.1", b"7001"]
    topology = topology_of(stack, f"redis+sentinel://:p@127.0.0.1:{free_port()},127.0.0.1:{port}/mymaster/3")
    assert isinstance(topology, SentinelMaster) and topology.follows_master and not topology.has_slots
    client = topology.client_for("a")
    options = client.connection_pool.connection_kwargs
    assert (port_of(client), options["password"], options["db"]) == (7001, "p", 3)
    assert "AUTH" not in sentinel.names()  # the Sentinels have a password of their own
    sentinel.answer = [b"127.0.0.1", b"7002"]
    assert topology.client_for("b") is client
    topology.forget(exceptions.ReadOnlyError())
    assert port_of(topology.client_for("a")) == 7002


def test_unknown_service(stack: ExitStack) -> None:
    _, port = start(stack)
    topology = topology_of(stack, f"redis+sentinel://127.0.0.1:{port}/mymaster")
    with pytest.raises(StoreError, match="the Sentinels do not know the service mymaster"):
        topology.client_for("a")


def test_sentinels_that_are_all_down(stack: ExitStack) -> None:
    topology = topology_of(stack, f"redis+sentinel://127.0.0.1:{free_port()}/mymaster")
    with pytest.raises(exceptions.ConnectionError):
        topology.client_for("a")


# -------------------------------------------------------------------------------- a cluster

LOW, HIGH = "{b}", "{a}"  # keys of slots below and above the middle
MIDDLE = 8000


@pytest.fixture
def cluster(stack: ExitStack) -> tuple[Topology, Directory]:
    node, port = start(stack)
    node.answer = [[0, MIDDLE, [b"127.0.0.1", 7001, b"id"]], [MIDDLE + 1, 16383, [b"", 7002, b"id"]]]
    return topology_of(stack, f"redis+cluster://127.0.0.1:{port},127.0.0.1:{free_port()}"), node


def test_each_node_has_some_slots(cluster: tuple[Topology, Directory]) -> None:
    topology, node = cluster
    assert isinstance(topology, Cluster) and topology.follows_master and topology.has_slots
    assert key_slot(LOW.encode()) <= MIDDLE < key_slot(HIGH.encode())
    assert [port_of(topology.client_for(key)) for key in (LOW, HIGH)] == [7001, 7002]
    host = topology.client_for(HIGH).connection_pool.connection_kwargs["endpoint"].host
    assert host == "127.0.0.1"  # of the node that was asked
    assert node.names() == ["CLUSTER"]


@pytest.mark.parametrize(
    ("first", "last", "found"), [(0, 0, True), (-1, 1, True), (1, 2, False), (-2, -1, False)]
)
def test_slots_are_inclusive(cluster: tuple[Topology, Directory], first: int, last: int, found: bool) -> None:
    topology, node = cluster
    slot = key_slot(LOW.encode())
    node.answer = [[slot + first, slot + last, [b"h", 7003, b"id"]]]
    if found:
        assert port_of(topology.client_for(LOW)) == 7003
    else:
        with pytest.raises(exceptions.ClusterDownError, match=f"no node has slot {slot}"):
            topology.client_for(LOW)
        node.answer = [[0, 16383, [b"h", 7004, b"id"]]]
        assert port_of(topology.client_for(LOW)) == 7004  # asked again


def test_cluster_without_slots(cluster: tuple[Topology, Directory]) -> None:
    topology, node = cluster
    node.answer = []
    with pytest.raises(exceptions.RedisError):
        topology.client_for(LOW)


def test_slot_that_moved_is_followed(cluster: tuple[Topology, Directory]) -> None:
    topology, node = cluster
    slot = key_slot(LOW.encode())
    topology.client_for(LOW)
    topology.forget(exceptions.MovedError(f"{slot} 127.0.0.1:7009"))
    assert [port_of(topology.client_for(key)) for key in (LOW, HIGH)] == [7009, 7002]
    for error in (exceptions.TryAgainError("x"), exceptions.AskError(f"{slot} h:1")):
        topology.forget(error)
        assert port_of(topology.client_for(LOW)) == 7009
    assert node.names() == ["CLUSTER"]
    topology.forget(exceptions.ConnectionError())
    assert port_of(topology.client_for(LOW)) == 7001 and node.names() == ["CLUSTER"] * 2


def test_node_that_takes_over_a_slot_is_asked(cluster: tuple[Topology, Directory]) -> None:
    topology, _ = cluster
    slot = key_slot(LOW.encode())
    client = topology.asking_client(LOW, exceptions.AskError(f"{slot} 127.0.0.2:7009"))
    endpoint = client.connection_pool.connection_kwargs["endpoint"]
    assert (str(endpoint), client.connection_pool.connection_class.__name__) == (
        "127.0.0.2:7009",
        "AskingConnection",
    )
    same_host = topology.asking_client(LOW, exceptions.AskError(f"{slot} :7009"))
    assert str(same_host.connection_pool.connection_kwargs["endpoint"]) == "127.0.0.1:7009"
    moved = exceptions.MovedError(f"{slot} 127.0.0.2:7009")
    with pytest.raises(exceptions.MovedError):
        topology.asking_client(LOW, moved)
