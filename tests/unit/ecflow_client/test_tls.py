"""Whose certificate is taken, over real sockets; and that nothing is sent to a server before."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.certificates import Authority
from tests.support.faulty_server import Connection, FakeServer
from tests.unit.ecflow_client.fake_server import framed, limits
from tests.unit.ecflow_client.test_http import BODY, with_length
from watchman_cli.bindings import BindingsFailed, Referee
from watchman_cli.ecflow_client import (
    Access,
    Answer,
    Client,
    EcflowError,
    HandshakeFailed,
    Stats,
)
from watchman_cli.ecflow_client.errors import CertificateRefused, OtherName

TOKEN = "THE-TOKEN"


class TlsServer:
    """A server with a certificate, that notes what it is sent over TLS, and answers."""

    def __init__(self, chain: Path, framed_reply: bool = False) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(chain)
        self._framed = framed_reply
        self.heads: list[bytes] = []

    def __call__(self, connection: Connection) -> None:
        with self._context.wrap_socket(connection.client, server_side=True) as wrapped:
            received = b""
            while not received.endswith(b"}\n") and (data := wrapped.recv(1 << 16)):
                received += data
            if received:
                self.heads.append(received.partition(b"\r\n\r\n")[0])
                wrapped.sendall(framed(BODY) if self._framed else with_length(BODY))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@contextmanager
def serving(chain: Path, **options: bool) -> Iterator[tuple[TlsServer, int]]:
    tls = TlsServer(chain, **options)
    with FakeServer(tls) as server:
        yield tls, server.port


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """Return what asks a server at localhost with a token for it."""
    monkeypatch.setenv("HOME", "/nonexistent")
    tokens = tmp_path / "tokens.json"
    entry = {"server": "https://localhost:.*", "type": "bearer", "api": {"key": TOKEN}}
    tokens.write_text(json.dumps({"version": 1, "tokens": [entry]}))

    def made(port: int, certificate: Path | None, protocol: str = "https", host: str = "localhost") -> Answer:
        access = Access(
            host, port, protocol, certificate=str(certificate) if certificate else None, tokens=str(tokens)
        )
        return Client(access).ask([Stats()], limits())

    return made


def has_token(tls: TlsServer) -> bool:
    return any(TOKEN.encode() in head for head in tls.heads)


def test_an_authority_and_the_right_name(authority: Authority, ask: Callable[..., Answer]) -> None:
    with serving(authority.certify("DNS:localhost")) as (tls, port):
        assert ask(port, authority.certificate).statistics
        assert has_token(tls)
    with serving(authority.certify("IP:127.0.0.1")) as (_, port):
        assert ask(port, authority.certificate, host="127.0.0.1").statistics


@pytest.mark.parametrize("name", ["DNS:other.example", "IP:127.0.0.2"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_an_authority_and_another_name(
    authority: Authority, ask: Callable[..., Answer], name: str, host: str
) -> None:
    with serving(authority.certify(name)) as (tls, port):
        with pytest.raises(OtherName, match=f"not for the host {host}$"):
            ask(port, authority.certificate, host=host)
    assert tls.heads == []


def test_another_name_and_its_authority_with_certificates_of_others(
    authority: Authority, ask: Callable[..., Answer], tmp_path: Path
) -> None:
    """It is in none of the entries of the file, though it has the same authority as one of them."""
    trusted = tmp_path / "trusted.pem"
    another = authority.certify("DNS:another.example")
    trusted.write_text(another.read_text() + authority.certificate.read_text())
    with serving(authority.certify("DNS:other.example")) as (tls, port):
        with pytest.raises(OtherName):
            ask(port, trusted)
    assert tls.heads == []


@pytest.mark.parametrize("made", ["self-signed", "by an authority", "with its authority"])
def test_the_servers_own_certificate_needs_no_name(
    authority: Authority, ask: Callable[..., Answer], tmp_path: Path, made: str
) -> None:
    own = authority.self_signed("vm") if made == "self-signed" else authority.certify("DNS:other.example")
    named = tmp_path / "own.crt"
    named.write_text(own.read_text().partition("-----BEGIN PRIVATE")[0])
    if made == "with its authority":
        named.write_text(authority.certificate.read_text() + named.read_text())
    with serving(own) as (tls, port):
        assert ask(port, named).statistics
    assert has_token(tls)


@pytest.mark.parametrize("known", [False, True], ids=["the system's authorities", "another certificate"])
def test_a_certificate_that_is_not_trusted(
    authority: Authority, ask: Callable[..., Answer], known: bool
) -> None:
    """The cause is named, though another HTTP server answers there if it is not asked who it is."""
    certificate = authority.self_signed("other") if known else None
    with serving(authority.self_signed("localhost")) as (tls, port):
        with pytest.raises(CertificateRefused, match=r"not trusted \(self.signed certificate\)"):
            ask(port, certificate)
    assert not has_token(tls)


def test_a_certificate_that_has_expired(authority: Authority, ask: Callable[..., Answer]) -> None:
    with serving(authority.certify("DNS:localhost", expired=True)) as (tls, port):
        with pytest.raises(CertificateRefused, match="has expired: renew it on the server"):
            ask(port, authority.certificate)
    assert not has_token(tls)


def test_ssl_checks_no_name_as_ecflows_own_client(authority: Authority, ask: Callable[..., Answer]) -> None:
    with serving(authority.certify("DNS:other.example"), framed_reply=True) as (tls, port):
        assert ask(port, authority.certificate, "ssl").statistics
    with serving(authority.self_signed("vm"), framed_reply=True) as (tls, port):
        with pytest.raises(HandshakeFailed, match="not trusted"):
            ask(port, authority.certificate, "ssl")
    assert not has_token(tls)


def test_a_password_goes_as_basic_authentication_over_https(authority: Authority) -> None:
    with serving(authority.certify("DNS:localhost")) as (tls, port):
        access = Access("localhost", port, "https", "fred", "s3cret%", str(authority.certificate))
        assert Client(access).ask([Stats()], limits()).statistics
    assert b"Authorization: Basic ZnJlZDpzM2NyZXQl\r\n" in tls.heads[0] + b"\r\n"


def test_the_bindings_do_not_read_over_https() -> None:
    """They take any certificate, and send the token."""
    access = Access("localhost", 1, "https")
    with pytest.raises(BindingsFailed, match="do not check the certificate") as raised:
        Referee().read(access, (), "marker", time.monotonic() + 20)
    assert not isinstance(raised.value, EcflowError) and not raised.value.transient
