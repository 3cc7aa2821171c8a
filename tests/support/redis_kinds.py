"""Redis in every way in which it is deployed: TLS, Sentinels, a cluster; each on free loopback ports."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from redis.crc import key_slot

from tests.support.loopback import await_true, free_port
from tests.support.programs import find_program
from tests.support.redis_server import REDIS_SERVER, RedisServer


@dataclass(frozen=True)
class Certificate:
    """A certificate of 127.0.0.1 that is its own authority, and its key."""

    certificate: Path
    key: Path

    @classmethod
    def create(cls, folder: Path) -> Certificate:
        made = cls(folder / "server.crt", folder / "server.key")
        subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
        command = [
            find_program("openssl"),
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            *subject,
        ]
        command += ["-out", str(made.certificate), "-keyout", str(made.key)]
        subprocess.run(command, check=True, capture_output=True)
        return made

    def arguments(self, port: int, *, clients: str = "no") -> list[str]:
        """Return the arguments for TLS at `port`; `clients` is whether they have to show a certificate."""
        crt, key = str(self.certificate), str(self.key)
        files = ["--tls-cert-file", crt, "--tls-key-file", key, "--tls-ca-cert-file", crt]
        return ["--tls-port", str(port), *files, "--tls-auth-clients", clients]


def new_redis(stack: ExitStack, folder: Path, *arguments: str) -> RedisServer:
    """Start a redis-server in a new folder below `folder`, stopped with `stack`."""
    port = free_port()
    home = folder / f"redis{port}"
    home.mkdir()
    server = RedisServer(home, arguments, port=port)
    stack.callback(server.stop)
    return server.start()


def new_sentinel(stack: ExitStack, folder: Path, master: int, *lines: str, quorum: int = 1) -> RedisServer:
    """Start a Sentinel that watches the master at the port `master` as the service `mymaster`."""
    sentinel = RedisServer(folder / f"sentinel{free_port()}")
    sentinel.home.mkdir()
    config = sentinel.home / "sentinel.conf"
    watched = [
        f"sentinel monitor mymaster 127.0.0.1 {master} {quorum}",
        "sentinel down-after-milliseconds mymaster 500",
        "sentinel failover-timeout mymaster 2000",
    ]
    config.write_text("\n".join([f"port {sentinel.port}", f"dir {sentinel.home}", *watched, *lines, ""]))
    sentinel.process = subprocess.Popen(
        [find_program(REDIS_SERVER), str(config), "--sentinel"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    stack.callback(sentinel.stop)
    await_true(lambda: _answers(sentinel.client), "the Sentinel did not start")
    return sentinel


def master_of(sentinel: RedisServer) -> int:
    """Return the port of the master that a Sentinel names."""
    found: Any = sentinel.client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster")
    return int(found[1])


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


@dataclass
class RedisCluster:
    """A real Redis Cluster of three masters, each with a replica where wanted."""

    stack: ExitStack
    folder: Path
    replicas: bool = False
    masters: list[RedisServer] = field(default_factory=list)

    def start(self) -> RedisCluster:
        # The bus has its port 10,000 above unless it is named.
        nodes = [self._node() for _ in range(6 if self.replicas else 3)]
        self.masters, replicas = nodes[:3], nodes[3:]
        bounds = [0, 5461, 10923, 16384]
        for index, node in enumerate(self.masters):
            node.client.execute_command("CLUSTER ADDSLOTSRANGE", bounds[index], bounds[index + 1] - 1)
        for epoch, node in enumerate(nodes, 1):
            node.client.execute_command("CLUSTER SET-CONFIG-EPOCH", epoch)
            first = nodes[0]
            bus = first.arguments[first.arguments.index("--cluster-port") + 1]
            node.client.execute_command("CLUSTER MEET", "127.0.0.1", first.port, bus)
        await_true(lambda: all(self._known(node) == len(nodes) for node in nodes), "the nodes did not meet")
        for master, replica in zip(self.masters, replicas, strict=False):
            replica.client.execute_command("CLUSTER REPLICATE", self.id_of(master))
        await_true(lambda: all(self._is_ok(node) for node in nodes), "the cluster did not start")
        await_true(lambda: all(self._follows(node) for node in replicas), "a replica did not follow")
        return self

    def _node(self) -> RedisServer:
        bus = str(free_port())
        return new_redis(
            self.stack, self.folder, "--cluster-enabled", "yes", "--cluster-port", bus,
            "--cluster-node-timeout", "1000", "--repl-diskless-sync-delay", "0",
        )  # fmt: skip

    def _known(self, node: RedisServer) -> int:
        return int(self._info(node)["cluster_known_nodes"])

    def _is_ok(self, node: RedisServer) -> bool:
        return self._info(node)["cluster_state"] == "ok"

    def _follows(self, node: RedisServer) -> bool:
        found: Any = node.client.info("replication")
        return bool(found.get("master_link_status") == "up")

    def _info(self, node: RedisServer) -> dict[str, str]:
        answer: Any = node.client.execute_command("CLUSTER INFO")
        if isinstance(answer, dict):
            return answer
        text = answer.decode() if isinstance(answer, bytes) else str(answer)
        return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)

    def id_of(self, node: RedisServer) -> str:
        answer: Any = node.client.execute_command("CLUSTER MYID")
        return answer.decode() if isinstance(answer, bytes) else str(answer)

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.masters)

    @property
    def client(self) -> redis.RedisCluster:
        return redis.RedisCluster(host="127.0.0.1", port=self.masters[0].port)

    def owner(self, key: str) -> RedisServer:
        """Return the master that has a key's slot."""
        slot = key_slot(key.encode())
        answer: Any = self.masters[0].client.execute_command("CLUSTER SLOTS")
        port = next(each[2][1] for each in answer if each[0] <= slot <= each[1])
        return next(node for node in self.masters if node.port == port)

    def move(self, key: str) -> Sequence[RedisServer]:
        """Move a key's slot, with all keys in it, to another master; return the old and the new one."""
        old, new = self.begin_move(key)
        self.move_keys(key, old, new)
        self.end_move(key, old, new)
        return old, new

    def begin_move(self, key: str) -> tuple[RedisServer, RedisServer]:
        """Begin to move a key's slot: no key of it has moved yet; return the old and the new master."""
        slot, old = key_slot(key.encode()), self.owner(key)
        new = next(node for node in self.masters if node is not old)
        new.client.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", self.id_of(old))
        old.client.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", self.id_of(new))
        return old, new

    def move_keys(self, key: str, old: RedisServer, new: RedisServer, *keys: str) -> None:
        """Move some keys of a key's slot, or all that are there."""
        found: Any = keys or old.client.execute_command("CLUSTER GETKEYSINSLOT", key_slot(key.encode()), 100)
        if found:
            old.client.execute_command("MIGRATE", "127.0.0.1", new.port, "", 0, 5000, "KEYS", *found)

    def end_move(self, key: str, old: RedisServer, new: RedisServer) -> None:
        """Have a key's slot be the new master's."""
        for node in (new, old, *self.masters):
            node.client.execute_command("CLUSTER SETSLOT", key_slot(key.encode()), "NODE", self.id_of(new))


@dataclass
class RedisPair:
    """A master, its replica, and a Sentinel, which fails over only on request."""

    stack: ExitStack
    folder: Path
    master: RedisServer = field(init=False)
    replica: RedisServer = field(init=False)
    sentinel: RedisServer = field(init=False)

    def start(self) -> RedisPair:
        kept = ("--dbfilename", "kept.rdb", "--repl-diskless-sync-delay", "0")
        self.master = new_redis(self.stack, self.folder, *kept)
        self.replica = new_redis(self.stack, self.folder, *kept)
        self._follow()
        patient = "sentinel down-after-milliseconds mymaster 600000"
        self.sentinel = new_sentinel(self.stack, self.folder, self.master.port, patient)
        return self

    @property
    def url(self) -> str:
        return f"redis+sentinel://127.0.0.1:{self.sentinel.port}/mymaster"

    @property
    def client(self) -> redis.Redis:
        return self.master.client

    def save(self) -> None:
        """Have the master write its RDB."""
        await_true(self._saves, "Redis did not save")

    def _saves(self) -> bool:
        try:
            return bool(self.client.save())
        except redis.ResponseError:  # a copy for the replica is being written
            return False

    def restart(self) -> None:
        """Kill the master, and start it from its RDB; the replica follows it again."""
        self.master.kill()
        self.master.start()
        await_true(lambda: _answers(self.client), "Redis did not come back")

    def fail_over(self) -> None:
        """Kill the master, have the Sentinel promote the replica, and start the old master as its replica."""
        self._await_link()
        self.master.kill()
        await_true(self._promotes, "the Sentinel found no replica to promote")
        self.master, self.replica = self.replica, self.master
        await_true(lambda: master_of(self.sentinel) == self.master.port, "the Sentinel did not fail over")
        self.replica.start()
        self._follow()

    def _promotes(self) -> bool:
        try:
            return bool(self.sentinel.client.execute_command("SENTINEL", "FAILOVER", "mymaster"))
        except redis.ResponseError:  # it has not yet seen that the replica is one
            return False

    def _follow(self) -> None:
        self.replica.client.replicaof("127.0.0.1", self.master.port)
        self._await_link()

    def _await_link(self) -> None:
        def follows() -> bool:
            found: Any = self.replica.client.info("replication")
            return bool(found.get("master_link_status") == "up")

        await_true(follows, "the replica did not follow")
