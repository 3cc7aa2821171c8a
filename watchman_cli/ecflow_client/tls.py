"""TLS as ecFlow's own client speaks it: the server's certificate is the authority, host names unchecked.

Sources: libs/base/src/ecflow/base/Openssl.cpp (`init_for_client`, `enable`), HttpClient.cpp.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from watchman_cli.ecflow_client.access import Access
from watchman_cli.ecflow_client.errors import CertificateMissing, EcflowError, HandshakeFailed
from watchman_cli.ecflow_client.transport import TimedSocket, time_left, translate


class TimedTlsSocket(ssl.SSLSocket):
    """A TLS socket of which every wait ends at `deadline`, a time.monotonic()."""

    deadline = 0.0

    def recv_into(self, *arguments: Any) -> int:
        """Receive; raise NoAnswer at the deadline."""
        self.settimeout(time_left(self.deadline))
        return super().recv_into(*arguments)


def find_certificate(host: str, port: int, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the path of the certificate where ecFlow looks for it; None where there is none.

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


def context_for(access: Access) -> ssl.SSLContext:
    """Return what checks a server as ecFlow does; over HTTPS without a certificate, as a browser does."""
    certificate = access.certificate or find_certificate(access.host, access.port)
    if access.protocol == "https" and certificate is None:
        context = _context()
        context.load_default_certs()
        return context
    return _own_context(certificate)


def _own_context(certificate: str | None) -> ssl.SSLContext:
    """Return what trusts the one certificate. Raises CertificateMissing where it cannot be used."""
    if certificate is None:
        raise CertificateMissing(
            "no certificate of the server in ~/.ecflowrc/ssl: copy the server's server.crt there, "
            "or name it as `certificate`"
        )
    context = _context()
    context.check_hostname = False
    try:
        context.load_verify_locations(certificate)
    except (OSError, ssl.SSLError) as error:
        raise CertificateMissing(f"the certificate {certificate} cannot be used: {_reason(error)}") from error
    return context


def trusting_context() -> ssl.SSLContext:
    """Return what checks nothing: only to learn which protocol a server speaks."""
    context = _context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sslsocket_class = TimedTlsSocket
    return context


def wrap(connection: TimedSocket, context: ssl.SSLContext, host: str, deadline: float) -> TimedTlsSocket:
    """Return the connection with TLS over it. Raises HandshakeFailed, or what the connection raises."""
    try:
        connection.settimeout(time_left(deadline))
        wrapped = context.wrap_socket(connection, server_hostname=host)
    except TimeoutError as error:
        raise translate(error) from error
    except ssl.SSLCertVerificationError as error:
        raise HandshakeFailed(
            "the server's certificate is not trusted: name its authority as `certificate`"
        ) from error
    except ssl.SSLEOFError as error:
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


def _reason(error: OSError) -> str:
    """Return OpenSSL's or the system's own words, which hold nothing that the server sent."""
    reason = getattr(error, "reason", None) or error.strerror or "unknown"
    return str(reason).lower().replace("_", " ")
