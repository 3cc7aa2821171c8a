"""TLS: with ssl as ecFlow's own client speaks it, where the server's certificate is the authority, and host
names are not checked; with https as a browser speaks it. ecFlow's own client checks nothing over https.

Sources: libs/base/src/ecflow/base/Openssl.cpp (`init_for_client`, `enable`), HttpClient.cpp.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import transport
from .access import Access
from .errors import (
    CertificateMissing,
    CertificateRefused,
    CertificateUntrusted,
    EcflowError,
    HandshakeFailed,
    OtherName,
)
from .transport import TimedSocket, time_left, translate

_PEM = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
# OpenSSL's X509_V_ERR_...: HOSTNAME_MISMATCH, IP_ADDRESS_MISMATCH; CERT_NOT_YET_VALID; CERT_HAS_EXPIRED
_OTHER_NAME = (62, 64)
_NOT_YET_VALID, _EXPIRED = 9, 10


class TimedTlsSocket(ssl.SSLSocket):
    """A TLS socket of which every wait ends at `deadline`, a time.monotonic()."""

    deadline = 0.0

    def recv_into(self, *arguments: Any) -> int:
        """Receive; raise NoAnswer at the deadline."""
        self.settimeout(time_left(self.deadline))
        return super().recv_into(*arguments)


def find_certificate(host: str, port: int, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the certificate's path in ecFlow's own folders, or None.

    `server.crt` comes before `HOST.PORT.crt`, in ECF_SSL_DIR, else in ~/.ecflowrc/ssl.
    """
    named = environment.get("ECF_SSL_DIR")
    folder = Path(named) if named else Path(environment.get("HOME", "/")) / ".ecflowrc" / "ssl"
    host = socket.gethostname() if host == "localhost" else host
    for name in ("server.crt", f"{host}.{port}.crt"):
        try:
            if (folder / name).exists():
                return str(folder / name)
        except OSError:  # a folder that may not be read has none for us
            pass
    return None


def connect(access: Access, deadline: float, *, trusting: bool = False) -> TimedTlsSocket:
    """Return a connection to a server that has proved itself; with `trusting`, to any.

    With ssl the certificate proves it, as ecFlow's own client wants it. With https it must also be for the
    host's name, as a browser wants it, unless the very certificate is in the file that is named. Until then
    nothing is sent. Raises EcflowError.
    """
    if trusting:  # only to learn which protocol a server speaks
        return _handshake(access, _trusting_context(), deadline)
    certificate = access.certificate or find_certificate(access.host, access.port)
    if access.protocol == "ssl":
        return _handshake(access, _own_context(certificate), deadline)
    context = _https_context(certificate)
    try:
        return _handshake(access, context, deadline)
    except OtherName:
        own = _certificates_in(certificate)
        if not own:
            raise
        # OpenSSL has no way to allow the one or the other, so that it takes a second connection.
        context.check_hostname = False
        connection = _handshake(access, context, deadline)
        if connection.getpeercert(binary_form=True) in own:
            return connection
        connection.close()
        raise


def _certificates_in(file: str | None) -> list[bytes]:
    """Return the certificates in a file of PEM, each as DER."""
    try:
        text = Path(file).read_text("latin-1") if file else ""
        return [ssl.PEM_cert_to_DER_cert(found) for found in _PEM.findall(text)]
    except (OSError, ValueError):  # OpenSSL has read the file before: it is being replaced
        return []


def _https_context(certificate: str | None) -> ssl.SSLContext:
    """Return a context that checks a server and its name. Raises CertificateMissing."""
    context = _context()
    if certificate is None:
        context.load_default_certs()
        return context
    # So that the server's own certificate may stand in the file without its authority's.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    _load(context, certificate)
    return context


def _own_context(certificate: str | None) -> ssl.SSLContext:
    """Return a context that trusts one certificate. Raises CertificateMissing if it cannot be used."""
    if certificate is None:
        raise CertificateMissing
    context = _context()
    context.check_hostname = False
    _load(context, certificate)
    return context


def _load(context: ssl.SSLContext, certificate: str) -> None:
    """Have a context trust a file of certificates. Raises CertificateMissing if it cannot be used."""
    try:
        context.load_verify_locations(certificate)
    except (OSError, ssl.SSLError) as error:
        raise CertificateMissing(certificate, _reason(error)) from error


def _trusting_context() -> ssl.SSLContext:
    """Return a context that checks nothing."""
    context = _context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sslsocket_class = TimedTlsSocket
    return context


def _handshake(access: Access, context: ssl.SSLContext, deadline: float) -> TimedTlsSocket:
    """Return a connection with TLS over it. Raises HandshakeFailed, or what the connection raises."""
    with transport.connect(access.host, access.port, deadline) as connection:
        return _wrap(connection, context, access.host, deadline)


def _wrap(connection: TimedSocket, context: ssl.SSLContext, host: str, deadline: float) -> TimedTlsSocket:
    """Return TLS over a connection, which it takes over. Raises HandshakeFailed, or what that raises."""
    try:
        connection.settimeout(time_left(deadline))
        wrapped = context.wrap_socket(connection, server_hostname=host)
    except TimeoutError as error:
        raise translate(error) from error
    except ssl.SSLCertVerificationError as error:
        raise _refused(error, host) from error
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:  # by the release of Python
        raise translate(ConnectionResetError()) from error
    except ssl.SSLError as error:
        raise HandshakeFailed(f"the TLS handshake failed: {_reason(error)}") from error
    except OSError as error:
        raise translate(error) from error
    except ValueError as error:  # a host's name that TLS cannot have
        raise EcflowError("the host's name cannot be used with TLS") from error
    assert isinstance(wrapped, TimedTlsSocket)
    wrapped.deadline = deadline
    return wrapped


def _refused(error: ssl.SSLCertVerificationError, host: str) -> CertificateRefused:
    """Return the error for a certificate that was not accepted."""
    if error.verify_code in _OTHER_NAME:
        return OtherName(host)
    if error.verify_code == _EXPIRED:
        return CertificateRefused("the server's certificate has expired: renew it on the server")
    if error.verify_code == _NOT_YET_VALID:
        return CertificateRefused("the server's certificate is not valid yet: check this host's clock")
    return CertificateUntrusted(error.verify_message)


def _reason(error: OSError) -> str:
    """Return OpenSSL's or the system's own words, which hold nothing that the server sent."""
    reason = getattr(error, "reason", None) or error.strerror or "unknown"
    return str(reason).lower().replace("_", " ")
