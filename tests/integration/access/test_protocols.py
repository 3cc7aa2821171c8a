"""A server behind another protocol than the configured one is named, and its passwords are checked."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.certificates import put_certificate
from tests.support.ecflow_server import EcflowServer
from tests.support.loopback import free_port
from tests.support.redis_server import RedisServer, health_of
from tests.support.watchman import Watchman
from watchman_cli.collect.result import describe
from watchman_cli.ecflow_client import (
    Access,
    AccessRefused,
    CertificateMissing,
    Client,
    EcflowError,
    HandshakeFailed,
    Limits,
    Stats,
    WrongProtocol,
)

OTHERS = {"tcp": ("ssl", "http", "https"), "ssl": ("tcp", "http", "https")}


def ask(server: EcflowServer, **access: str | None) -> None:
    end = time.monotonic() + 30
    Client(Access(server.host, server.port, **access)).ask([Stats()], Limits(end, end, 1 << 20))  # type: ignore[arg-type]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return put_certificate(tmp_path / "home" / ".ecflowrc" / "ssl")


@pytest.fixture
def server(
    request: pytest.FixtureRequest, ecflow_server: Callable[..., EcflowServer], certificate: Path
) -> EcflowServer:
    """A server that speaks the protocol that the test is given."""
    home = str(certificate.parents[2])
    environment = {"ECF_SSL": "1", "HOME": home} if request.param == "ssl" else {"HOME": home}
    return ecflow_server(environment=environment)


@pytest.mark.parametrize(
    ("server", "asked"),
    [(spoken, asked) for spoken, others in OTHERS.items() for asked in others],
    indirect=["server"],
)
@pytest.mark.parametrize("known", [True, False], ids=["certificate", "no certificate"])
def test_the_protocol_that_is_spoken_is_named(
    server: EcflowServer, asked: str, known: bool, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")
    spoken = "ssl" if server.environment.get("ECF_SSL") else "tcp"
    with pytest.raises(WrongProtocol) as raised:
        ask(server, protocol=asked, certificate=str(certificate) if known else None)
    assert (raised.value.asked, raised.value.spoken) == (asked, spoken)
    assert f"set `protocol: {spoken}`" in describe(raised.value)
    assert server.process and server.process.poll() is None


@pytest.mark.parametrize("server", ["ssl"], indirect=True)
def test_certificates(
    server: EcflowServer, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(server, protocol="ssl", certificate=str(certificate))
    monkeypatch.setenv("HOME", str(certificate.parents[2]))  # where ecFlow looks for it
    ask(server, protocol="ssl")
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.setenv("ECF_SSL_DIR", str(certificate.parent))
    ask(server, protocol="ssl")
    monkeypatch.delenv("ECF_SSL_DIR")
    with pytest.raises(CertificateMissing, match=r"no certificate of the server in ~/\.ecflowrc/ssl"):
        ask(server, protocol="ssl")
    with pytest.raises(CertificateMissing, match="cannot be used"):
        ask(server, protocol="ssl", certificate=str(tmp_path / "none"))
    other = put_certificate(tmp_path / "other", "other")
    with pytest.raises(HandshakeFailed, match="not trusted"):
        ask(server, protocol="ssl", certificate=str(other))


@pytest.mark.parametrize("password", ["secret", "50%!", "%s%n", "ä", "a" * 100])
def test_a_password_of_a_user_who_is_named(
    ecflow_server: Callable[..., EcflowServer],
    redis: RedisServer,
    watchman: Watchman,
    tmp_path: Path,
    password: str,
) -> None:
    port = free_port()
    passwords = tmp_path / "passwords"
    hosts = {socket.gethostname(), "127.0.0.1"}
    lines = [f"fred {host} {port} {password}\n" for host in sorted(hosts)]
    passwords.write_text("5.0.0\n" + "".join(lines), encoding="utf-8")
    server = ecflow_server(port=port, environment={"ECF_CUSTOM_PASSWD": str(passwords)})
    entry = {"owner": "o", "repo": "r", "address": server, "user": "fred", "password": password}
    watchman.configure(redis.url, [entry])
    for _ in range(2):
        result = watchman.collect()
        assert (result.code, result.err) == (0, "")
    watchman.configure(redis.url, [{**entry, "password": f"x{password}"}])
    result = watchman.collect()
    assert result.code == 1
    assert f"o/r: the server refused the user fred (127.0.0.1:{port})" in result.err
    health = health_of(redis.client, "o/r")
    assert health and health["error"]["kind"] == "authentication"
    assert password not in result.err and password not in str(health)


def test_a_user_name_that_cannot_be_a_salt(ecflow: EcflowServer) -> None:
    """ecFlow encrypts with the name as the salt, which has to be of two letters or digits at least."""
    with pytest.raises(EcflowError) as raised:
        ask(ecflow, user="ä", password="s3cret")
    assert isinstance(raised.value, AccessRefused) or "cannot encrypt" in str(raised.value)
    assert "s3cret" not in str(raised.value)
