"""What can go wrong in a request. No message holds a part of a reply: it may carry passwords.

EcflowError
├── NameUnresolved      the host's name does not resolve
├── ConnectionRefused   nothing listens at the port
├── HostUnreachable     no route to the host
├── NoAnswer            the deadline passed
├── ConnectionClosed    the server closed or reset the connection
├── CertificateMissing  no usable certificate file to check the server with
├── HandshakeFailed     TLS could not be negotiated
│   └── CertificateRefused  the server's certificate does not prove that it is the server
│       ├── CertificateUntrusted  no trusted authority signed it
│       └── OtherName   the certificate is another host's
├── WrongProtocol       the server speaks another of tcp, ssl, http, https
├── NotEcflow           the program that answers does not speak ecFlow's protocol
│   └── OtherHttpServer an HTTP server that is not ecFlow's answers there
├── Redirected          an HTTP server names another address
├── ProxyFailed         an HTTP proxy answers that the server is unavailable
├── NotUnderstood       the reply is ecFlow's, and holds something that this client does not know
│   └── TreeUnproved    the definition's text does not show which nodes there are
├── OutOfResources      this process may open no more connections, or has no memory
├── ReplyTooLarge       the reply is larger than allowed
├── TooSlow             the deadline passed while the reply was worked on
├── AccessRefused       the server refused the user, the password or the token
│   └── HttpRefused     the HTTP server, or a proxy before it, refused the request
├── TokenError          the file of tokens cannot be used
│   └── TokenWithheld   the token would be sent in clear text
├── PasswordUnusable    the password cannot be encrypted as ecFlow requires
├── RequestRefused      the server answered a request with an error
├── HandleGone          the client handle is not registered on the server
└── FullReadingRequired the changes are not enough to know every node's state
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

# The kinds of a failed request, for programs.
ErrorKind = Literal[
    "unresolved",
    "refused",
    "unreachable",
    "no answer",
    "reset",
    "tls",
    "protocol",
    "too large",
    "too slow",
    "resources",
    "authentication",
    "server",
]
# The proof of the user that was sent over HTTP.
Sent = Literal["token", "password", "nothing"]


class EcflowError(Exception):
    """A request failed.

    `kind` is for programs, and `transient` says whether another attempt may succeed.
    """

    kind: ClassVar[ErrorKind] = "server"
    transient: ClassVar[bool] = False


class NameUnresolved(EcflowError):
    """The host's name does not resolve."""

    kind = "unresolved"
    transient = True

    def __init__(self) -> None:
        super().__init__("the host's name does not resolve")


class ConnectionRefused(EcflowError):
    """Nothing listens at the port."""

    kind = "refused"
    transient = True

    def __init__(self) -> None:
        super().__init__("connection refused")


class HostUnreachable(EcflowError):
    """There is no way to the host."""

    kind = "unreachable"
    transient = True

    def __init__(self) -> None:
        super().__init__("the host cannot be reached")


class NoAnswer(EcflowError):
    """The deadline passed before the whole answer came."""

    kind = "no answer"
    transient = True

    def __init__(self) -> None:
        super().__init__("no answer in time")


class ConnectionClosed(EcflowError):
    """The server closed or reset the connection before its answer was whole.

    `began` says whether a part of an answer had come.
    """

    kind = "reset"
    transient = True

    def __init__(self, *, began: bool = False) -> None:
        super().__init__("the server closed the connection")
        self.began = began


class CertificateMissing(EcflowError):
    """There is no usable certificate file to check the server with; `path` is None if there is no file."""

    kind = "tls"

    def __init__(self, path: str | None = None, why: str = "") -> None:
        super().__init__(
            f"the certificate {path} cannot be used: {why}"
            if path
            else "no certificate of the server in ~/.ecflowrc/ssl"
        )
        self.path = path


class HandshakeFailed(EcflowError):
    """TLS could not be negotiated with the server."""

    kind = "tls"


class CertificateRefused(HandshakeFailed):
    """The server's certificate does not prove that it is the server; nothing was sent to it."""


class CertificateUntrusted(CertificateRefused):
    """No trusted authority signed the server's certificate; `why` is OpenSSL's message."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the server's certificate is not trusted ({why})")


class OtherName(CertificateRefused):
    """The server's certificate is trusted, and is another host's."""

    def __init__(self, host: str) -> None:
        super().__init__(f"the server's certificate is not for the host {host}")
        self.host = host


class WrongProtocol(EcflowError):
    """The server speaks another protocol than the one it was asked in."""

    kind = "protocol"

    def __init__(self, asked: str, spoken: str) -> None:
        super().__init__(f"the server speaks {spoken}, not {asked}")
        self.asked, self.spoken = asked, spoken


class NotEcflow(EcflowError):
    """What answers there does not speak ecFlow's protocol."""

    kind = "protocol"

    def __init__(self, why: str = "what answers there does not speak ecFlow's protocol") -> None:
        super().__init__(why)


class OtherHttpServer(NotEcflow):
    """An HTTP server that is not ecFlow's answers there."""

    def __init__(self) -> None:
        super().__init__("an HTTP server answers there, not ecFlow")


class Redirected(EcflowError):
    """An HTTP server redirects to another address.

    `differences` has the parts that differ from the address that was asked: `protocol`, `host` and `port`.
    """

    kind = "protocol"

    def __init__(self, differences: Mapping[str, str | int]) -> None:
        super().__init__("an HTTP server redirects to another address")
        self.differences = differences


class ProxyFailed(EcflowError):
    """A proxy answered in place of the server; `status` is HTTP's."""

    transient = True

    def __init__(self, status: int) -> None:
        super().__init__(f"the HTTP proxy before the server answered {status}")
        self.status = status


class NotUnderstood(EcflowError):
    """The reply is ecFlow's, and holds what this client does not know; says what is wrong with it."""

    kind = "protocol"


class TreeUnproved(NotUnderstood):
    """The definition's text does not show which nodes there are. The bindings read the same text."""

    def __init__(
        self,
        why: str = "a job's id, a trigger or a complete has several lines, "
        "and the server's definition does not show where it ends",
    ) -> None:
        super().__init__(why)


class ReplyTooLarge(EcflowError):
    """The reply is larger than allowed; `limit` is in bytes."""

    kind = "too large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"the reply is larger than {limit >> 20} MB")
        self.limit = limit


class OutOfResources(EcflowError):
    """This process may open no more connections, or has no memory for their data."""

    kind = "resources"
    transient = True

    def __init__(self, reason: str) -> None:
        super().__init__(f"this machine or its limits (ulimit) allow no more: {reason}")


class TooSlow(EcflowError):
    """The reply came in time, and the work on it did not end by the deadline; says which work."""

    kind = "too slow"


class AccessRefused(EcflowError):
    """The server refused the user, the password or the token."""

    kind = "authentication"

    def __init__(self, user: str, why: str = "") -> None:
        super().__init__(f"the server refused the user {user}{why and ': '}{why}")


class HttpRefused(AccessRefused):
    """The HTTP server, or a proxy before it, refused the request; `status` is HTTP's.

    `sent` is the proof that was sent: a token, a password as basic authentication, or nothing. `tokens` is
    the path of the file of tokens, or None, and `url` the address for which it was searched. `withheld` says
    that there is a password, which is not sent over http.
    """

    def __init__(
        self,
        status: int,
        user: str | None,
        url: str,
        sent: Sent = "nothing",
        tokens: str | None = None,
        withheld: bool = False,
    ) -> None:
        who = f"the user {user}" if user else "the request"
        EcflowError.__init__(self, f"the server refused {who} (HTTP {status})")
        self.status, self.url, self.sent = status, url, sent
        self.tokens, self.withheld = tokens, withheld


class TokenError(EcflowError):
    """The file of tokens cannot be used; says why."""

    kind = "authentication"


class TokenWithheld(TokenError):
    """The token for an address is not sent, since the connection is not encrypted."""

    def __init__(self, path: str, url: str) -> None:
        super().__init__(f"{path}: the token for {url} is not sent in clear")


class PasswordUnusable(EcflowError):
    """The password cannot be encrypted as ecFlow requires."""

    kind = "authentication"


class RequestRefused(EcflowError):
    """The server answered a request with an error, whose text may not be shown."""

    def __init__(self) -> None:
        super().__init__("the server answered the request with an error")


class HandleGone(EcflowError):
    """The client handle that was named is not registered on the server."""

    transient = True

    def __init__(self) -> None:
        super().__init__("the client handle is not registered on the server")


class FullReadingRequired(EcflowError):
    """The changes that the server sent are not enough to know every node's state; says why."""
