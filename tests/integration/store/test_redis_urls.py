"""Whole runs with each kind of Redis: a Unix socket, TLS, a password, Sentinels, a cluster."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.ecflow_server import EcflowServer
from tests.support.loopback import free_port
from tests.support.redis_kinds import Certificate, RedisCluster, new_sentinel
from tests.support.redis_server import RedisServer, records_of, status_of
from tests.support.watchman import Watchman


def collects(watchman: Watchman, ecflow: EcflowServer, redis: RedisServer, store: str) -> None:
    ecflow.load_text("suite s\ntask t\nendsuite\n")
    watchman.configure(store, [{"owner": "o", "repo": "r", "address": ecflow}])
    for state in ("queued", "aborted"):
        ecflow.force_state("/s/t", f"State.{state}")
        result = watchman.collect()
        assert (result.code, result.err) == (0, "")
        found = status_of(redis.client, "o/r")
        assert found and records_of(found) == ecflow.snapshot()["records"]
    shown = watchman.run("show", "o/r")
    assert shown.code == 0 and "t  aborted" in shown.text


def test_unix_socket(
    ecflow: EcflowServer, redis_server: Callable[..., RedisServer], watchman: Watchman, tmp_path: Path
) -> None:
    path = tmp_path / "redis.sock"
    redis = redis_server("--unixsocket", str(path))
    collects(watchman, ecflow, redis, f"unix://{path}?db=0")


def test_password(ecflow: EcflowServer, redis_server: Callable[..., RedisServer], watchman: Watchman) -> None:
    redis = redis_server()
    redis.client.execute_command("ACL SETUSER w on >pass+word ~* +@all")
    redis.client.execute_command("ACL SETUSER default on nopass")
    collects(watchman, ecflow, redis, f"redis://w:pass%2Bword@127.0.0.1:{redis.port}/0")


@pytest.mark.parametrize("clients", ["no", "yes"])
def test_tls(
    ecflow: EcflowServer,
    redis_server: Callable[..., RedisServer],
    watchman: Watchman,
    tmp_path: Path,
    clients: str,
) -> None:
    """With `clients`, Redis wants a certificate of whoever connects, as it does by default."""
    port, certificate = free_port(), Certificate.create(tmp_path)
    redis = redis_server(*certificate.arguments(port, clients=clients))
    crt, key = certificate.certificate, certificate.key
    mine = f"&ssl_certfile={crt}&ssl_keyfile={key}" if clients == "yes" else ""
    collects(watchman, ecflow, redis, f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={crt}{mine}")
    # Another attempt cannot mend it; with more of them the run would last until its deadline.
    servers = [{"owner": "o", "repo": "r", "address": ecflow, "deadline": 3600}]
    watchman.configure(f"rediss://127.0.0.1:{port}/0", servers)
    untrusted = watchman.collect()
    assert untrusted.code == 3 and "its certificate is not trusted" in untrusted.err
    if clients == "yes":
        watchman.configure(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={crt}", [servers[0] | {"deadline": 2}])
        assert watchman.collect().code == 3


def test_sentinel(ecflow: EcflowServer, redis: RedisServer, watchman: Watchman, tmp_path: Path) -> None:
    with ExitStack() as stack:
        sentinel = new_sentinel(stack, tmp_path, redis.port)
        collects(
            watchman, ecflow, redis, f"redis+sentinel://127.0.0.1:1,127.0.0.1:{sentinel.port}/mymaster/0"
        )
        servers = [{"owner": "o", "repo": "r", "address": ecflow, "deadline": 2}]
        watchman.configure(f"redis+sentinel://127.0.0.1:{sentinel.port}/nobody/0", servers)
        unknown = watchman.collect()
        assert unknown.code == 3 and "the Sentinels do not know the service nobody" in unknown.err


def test_sentinel_over_tls_and_with_passwords(
    ecflow: EcflowServer, redis_server: Callable[..., RedisServer], watchman: Watchman, tmp_path: Path
) -> None:
    certificate, port, sentinel_port = Certificate.create(tmp_path), free_port(), free_port()
    redis = redis_server(*certificate.arguments(port))
    redis.client.execute_command("ACL SETUSER w on >pass/word ~* +@all")
    crt, key = certificate.certificate, certificate.key
    with ExitStack() as stack:
        lines = [f"tls-port {sentinel_port}", f"tls-cert-file {crt}", f"tls-key-file {key}"]
        lines += [f"tls-ca-cert-file {crt}", "tls-auth-clients no", "user s on >other ~* &* +@all"]
        lines += ["tls-replication yes"]  # by which it reaches the master
        new_sentinel(stack, tmp_path, port, *lines)
        options = f"ssl_ca_certs={crt}&sentinel_username=s&sentinel_password=other"
        address = f"rediss+sentinel://w:pass%2Fword@127.0.0.1:{sentinel_port}/mymaster/0?{options}"
        collects(watchman, ecflow, redis, address)


def test_cluster(ecflow: EcflowServer, watchman: Watchman, tmp_path: Path) -> None:
    with ExitStack() as stack:
        cluster = RedisCluster(stack, tmp_path).start()
        collects(watchman, ecflow, cluster.owner("o/r/status"), cluster.url)


@pytest.mark.parametrize(
    "store",
    ["redis://127.0.0.1:port/0", "redis+sentinel://h", "redis://h/x?db=y", "file://relative/path", "unix://"],
)
def test_an_address_that_makes_no_sense(watchman: Watchman, ecflow: EcflowServer, store: str) -> None:
    watchman.configure(store, [{"owner": "o", "repo": "r", "address": ecflow}])
    before = ecflow.requests()
    result = watchman.collect()
    assert result.code == 2, result.err
    assert "store" in result.err and "Traceback" not in result.err
    assert ecflow.requests() == before
