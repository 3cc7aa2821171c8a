"""What can go wrong in a request. No message holds a part of a reply: it may carry passwords.

EcflowError
├── NameUnresolved      the host's name does not resolve
├── ConnectionRefused   nothing listens at the port
├── HostUnreachable     no route to the host
├── NoAnswer            the deadline passed
├── ConnectionClosed    the server closed or reset the connection
├── CertificateMissing  no certificate file to check the server with
├── HandshakeFailed     TLS could not be negotiated
│   └── CertificateRefused  the server's certificate does not prove that it is the server
│       └── OtherName   the certificate is another host's
├── WrongProtocol       the server speaks another of tcp, ssl, http, https
├── NotEcflow           what answers does not speak ecFlow's protocol
│   └── OtherHttpServer an HTTP server that is not ecFlow's answers there
├── Redirected          an HTTP server names another address
├── NotUnderstood       the reply is ecFlow's, and holds what this client does not know
│   └── TreeUnproved    the definition's text does not show which nodes there are
├── OutOfResources      this process may open no more connections, or has no memory
├── ReplyTooLarge       the reply is larger than allowed
├── TooSlow             the deadline passed while the reply was worked on
├── AccessRefused       the server refused the user, the password or the token
├── RequestRefused      the server answered a request with an error
├── HandleGone          the client handle is not registered on the server
└── FullReadingRequired the changes are not enough to know every node's state
"""

from __future__ import annotations

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
    """There is no certificate file to check the server with."""

    kind = "tls"


class HandshakeFailed(EcflowError):
    """TLS could not be negotiated with the server."""

    kind = "tls"


class CertificateRefused(HandshakeFailed):
    """The server's certificate does not prove that it is the server; nothing was sent to it."""


class OtherName(CertificateRefused):
    """The server's certificate is trusted, and is another host's."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"the server's certificate is not for the host {host}: set `host` to a name that it has, "
            "or name the server's own certificate as `certificate`"
        )


class WrongProtocol(EcflowError):
    """The server speaks another protocol than the one it was asked in."""

    kind = "protocol"

    def __init__(self, asked: str, spoken: str) -> None:
        super().__init__(f"the server speaks {spoken}, not {asked}: set `protocol: {spoken}`")
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
    """An HTTP server answers with another address; says which, as far as a configuration names it."""

    kind = "protocol"


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
        super().__init__(f"the reply is larger than {limit >> 20} MB: raise `max_reply` if that is right")


class OutOfResources(EcflowError):
    """This process may open no more connections, or has no memory for what they bring."""

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
