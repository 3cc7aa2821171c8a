"""Whose certificate is taken, over real sockets; and that nothing is sent to a server before."""

from __future__ import annotations

import errno
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.certificates import Authority
from tests.support.faulty_server import Connection, FakeServer
from tests.unit.ecflow_client.fake_server import drain, framed, limits
from tests.unit.ecflow_client.test_http import BODY, with_length
from watchman_cli.bindings import BindingsFailed, Referee
from watchman_cli.ecflow_client import (
    Access,
    Answer,
    Client,
    ConnectionClosed,
    EcflowError,
    HandshakeFailed,
    NoAnswer,
    Stats,
    transport,
)
from watchman_cli.ecflow_client import tls as module
from watchman_cli.ecflow_client.errors import CertificateMissing, CertificateRefused, OtherName
from watchman_cli.ecflow_client.tls import connect, find_certificate

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


def soon() -> float:
    return time.monotonic() + 20


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


def test_certificate_is_found_in_ecflows_own_folder(tmp_path: Path) -> None:
    folder = tmp_path / ".ecflowrc" / "ssl"
    folder.mkdir(parents=True)
    home = {"HOME": str(tmp_path)}
    assert find_certificate("vm", 3141, home) is None
    for_one = folder / "vm.3141.crt"
    for_one.touch()
    assert find_certificate("vm", 3141, home) == str(for_one)
    assert find_certificate("vm", 3142, home) is None
    assert find_certificate("mv", 3141, home) is None
    for_all = folder / "server.crt"
    for_all.touch()
    assert find_certificate("vm", 3141, home) == str(for_all)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert find_certificate("vm", 3141, home | {"ECF_SSL_DIR": str(elsewhere)}) is None
    (elsewhere / "vm.3141.crt").touch()
    found = find_certificate("vm", 3141, home | {"ECF_SSL_DIR": str(elsewhere)})
    assert found == str(elsewhere / "vm.3141.crt")


def test_certificate_of_localhost_has_the_name_of_this_host(tmp_path: Path) -> None:
    folder = {"ECF_SSL_DIR": str(tmp_path)}
    (tmp_path / "localhost.3141.crt").touch()
    assert find_certificate("localhost", 3141, folder) is None
    own = tmp_path / f"{socket.gethostname()}.3141.crt"
    own.touch()
    assert find_certificate("localhost", 3141, folder) == str(own)


def test_certificate_that_cannot_be_looked_for_is_missing(tmp_path: Path) -> None:
    assert find_certificate("vm" * 200, 3141, {"ECF_SSL_DIR": str(tmp_path)}) is None  # a name too long
    assert find_certificate("no-such-host.invalid", 3141, {}) is None  # no home


@pytest.mark.parametrize("protocol", ["ssl", "https"])
def test_found_certificate_is_trusted(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    monkeypatch.setenv("ECF_SSL_DIR", str(tmp_path))
    with serving(authority.certify("DNS:localhost")) as (_, port):
        (tmp_path / f"{socket.gethostname()}.{port}.crt").write_bytes(authority.certificate.read_bytes())
        deadline = soon()
        with connect(Access("localhost", port, protocol), deadline) as connection:
            assert connection.deadline == deadline


def test_any_certificate_is_taken_only_if_that_was_asked_for(authority: Authority) -> None:
    with serving(authority.self_signed("vm")) as (_, port):
        access = Access("127.0.0.1", port, "https", certificate=str(authority.certificate))
        with connect(access, soon(), trusting=True) as connection:
            assert connection.version()
        with pytest.raises(CertificateRefused):
            connect(access, soon())


def test_own_certificate_may_stand_beside_text_in_any_encoding(
    authority: Authority, ask: Callable[..., Answer], tmp_path: Path
) -> None:
    own = authority.certify("DNS:other.example")
    named = tmp_path / "own.crt"
    named.write_bytes(
        b"# le serveur \xe9l\xe9mentaire\n" + own.read_bytes().partition(b"-----BEGIN PRIVATE")[0]
    )
    with serving(own) as (_, port):
        assert ask(port, named).statistics


def test_no_file_has_no_certificates(tmp_path: Path) -> None:
    assert module._certificates_in(None) == module._certificates_in(str(tmp_path / "none")) == []


def test_the_systems_authorities_are_checked_as_strictly_as_python_does(authority: Authority) -> None:
    flags = module._context().verify_flags
    assert module._https_context(None).verify_flags == flags
    assert (
        module._https_context(str(authority.certificate)).verify_flags
        == flags | ssl.VERIFY_X509_PARTIAL_CHAIN
    )


@pytest.mark.parametrize("protocol", ["ssl", "https"])
def test_unusable_certificate_is_named_with_the_reason(tmp_path: Path, protocol: str) -> None:
    file = tmp_path / "server.crt"
    for reason in ("no such file or directory", "no certificate or crl found"):
        with pytest.raises(CertificateMissing) as raised:
            connect(Access("localhost", 1, protocol, certificate=str(file)), soon())
        assert str(raised.value) == f"the certificate {file} cannot be used: {reason}"
        assert raised.value.path == str(file)
        file.touch()


def test_ssl_without_a_certificate_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ECF_SSL_DIR", str(tmp_path))
    with pytest.raises(CertificateMissing) as raised:
        connect(Access("localhost", 1, "ssl"), soon())
    assert raised.value.path is None


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (9, "the server's certificate is not valid yet: check this host's clock"),
        (10, "the server's certificate has expired: renew it on the server"),
        (18, "the server's certificate is not trusted (self-signed certificate)"),
        (62, "the server's certificate is not for the host vm"),
        (64, "the server's certificate is not for the host vm"),
    ],
)
def test_refused_certificate_has_its_reason(code: int, message: str) -> None:
    error = ssl.SSLCertVerificationError()
    error.verify_code, error.verify_message = code, "self-signed certificate"
    assert str(module._refused(error, "vm")) == message


def test_reason_of_an_error_is_in_small_letters() -> None:
    error = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong (_ssl.c:1)")
    assert module._reason(error) == "[ssl: wrong version number] wrong ( ssl.c:1)"
    error.reason = "WRONG_VERSION_NUMBER"
    assert module._reason(error) == "wrong version number"
    assert module._reason(OSError(errno.EACCES, "Permission denied")) == "permission denied"
    assert module._reason(OSError()) == "unknown"


def handshake(behave: Callable[[Connection], None]) -> None:
    with FakeServer(behave) as server:
        connect(Access(server.host, server.port, "https"), soon(), trusting=True)


def test_handshake_that_fails_has_its_reason() -> None:
    def answer(connection: Connection) -> None:
        drain(connection.client)
        connection.forward(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with pytest.raises(HandshakeFailed, match=r"^the TLS handshake failed: [a-z][a-z ]+$"):
        handshake(answer)


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_connection_that_ends_in_the_handshake_is_closed(reset: bool) -> None:
    def end(connection: Connection) -> None:
        drain(connection.client)
        if reset:
            connection.reset()
        else:
            connection.client.shutdown(socket.SHUT_RDWR)

    with pytest.raises(ConnectionClosed) as raised:
        handshake(end)
    assert raised.value.began is False


def test_handshake_ends_with_the_deadline(authority: Authority) -> None:
    context = module._trusting_context()
    with serving(authority.self_signed("vm")) as (_, port):
        with transport.connect("127.0.0.1", port, soon()) as connection:
            with pytest.raises(NoAnswer):  # though the server is quick
                module._wrap(connection, context, "vm", time.monotonic() - 1)
    with FakeServer(lambda connection: None) as server:
        with transport.connect(server.host, server.port, soon()) as connection:
            with pytest.raises(NoAnswer):  # since the server says nothing
                module._wrap(connection, context, "vm", time.monotonic() + 0.05)


def test_host_that_tls_cannot_name_is_refused() -> None:
    with FakeServer(lambda connection: None) as server:
        with transport.connect(server.host, server.port, soon()) as connection:
            with pytest.raises(EcflowError, match=r"^the host's name cannot be used with TLS$"):
                module._wrap(connection, module._trusting_context(), ".vm", soon())


def test_bytes_that_came_over_tls_are_not_taken_after_the_deadline(authority: Authority) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.self_signed("vm"))

    def answer(connection: Connection) -> None:
        with context.wrap_socket(connection.client, server_side=True) as wrapped:
            wrapped.sendall(b"answer")

    with FakeServer(answer) as server:
        with connect(Access(server.host, server.port, "https"), soon(), trusting=True) as connection:
            piece = bytearray(1)
            assert connection.recv_into(piece) == 1
            connection.deadline = time.monotonic() - 1
            with pytest.raises(NoAnswer):
                connection.recv_into(piece)
