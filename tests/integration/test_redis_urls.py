"""Each kind of store, real: a Unix socket, TLS, a password, Sentinels."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.servers import (
    EcflowServer,
    RedisServer,
    Watchman,
    await_true,
    free_port,
    records_of,
    status_of,
)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, and its key."""
    paths = (tmp_path / "server.crt", tmp_path / "server.key")
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    command += ["-out", str(paths[0]), "-keyout", str(paths[1])]
    subprocess.run(command, check=True, capture_output=True)
    return paths


@pytest.fixture
def sentinel(redis: RedisServer, tmp_path: Path) -> Iterator[int]:
    """The port of a Sentinel that watches `redis` as the service `mymaster`."""
    port = free_port()
    config = tmp_path / "sentinel.conf"
    config.write_text(f"port {port}\ndir {tmp_path}\nsentinel monitor mymaster 127.0.0.1 {redis.port} 1\n")
    process = subprocess.Popen(["redis-server", str(config), "--sentinel"], stdout=subprocess.DEVNULL)
    yield port
    process.kill()
    process.wait()


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


def test_tls(
    ecflow: EcflowServer,
    redis_server: Callable[..., RedisServer],
    watchman: Watchman,
    certificate: tuple[Path, Path],
) -> None:
    port = free_port()
    crt, key = map(str, certificate)
    tls = ["--tls-port", str(port), "--tls-cert-file", crt, "--tls-key-file", key, "--tls-ca-cert-file", crt]
    redis = redis_server(*tls, "--tls-auth-clients", "no")
    collects(watchman, ecflow, redis, f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={crt}")
    watchman.configure(
        f"rediss://127.0.0.1:{port}/0", [{"owner": "o", "repo": "r", "address": ecflow, "deadline": 2}]
    )
    untrusted = watchman.collect()
    assert untrusted.code == 3 and "certificate" in untrusted.err.lower()


def test_sentinel(ecflow: EcflowServer, redis: RedisServer, watchman: Watchman, sentinel: int) -> None:
    import redis as driver

    asked = driver.Redis(port=sentinel)

    def knows() -> bool:
        try:
            return bool(asked.execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME mymaster"))
        except driver.RedisError:
            return False

    await_true(knows, "the Sentinel did not start")
    collects(watchman, ecflow, redis, f"redis+sentinel://127.0.0.1:1,127.0.0.1:{sentinel}/mymaster/0")
    servers = [{"owner": "o", "repo": "r", "address": ecflow, "deadline": 2}]
    watchman.configure(f"redis+sentinel://127.0.0.1:{sentinel}/nobody/0", servers)
    assert watchman.collect().code == 3


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
