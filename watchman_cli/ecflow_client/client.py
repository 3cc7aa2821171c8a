"""The client: one request of a server, in one of its four protocols."""

import os
import pwd
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from .access import Access
from .changes import Changes
from .errors import (
    AccessRefused,
    CertificateMissing,
    CertificateRefused,
    ConnectionClosed,
    EcflowError,
    HandleGone,
    HandshakeFailed,
    NotEcflow,
    NotUnderstood,
    OtherHttpServer,
    OtherName,
    Redirected,
    WrongProtocol,
)
from .password import encrypt
from .replies import Answer, decode_reply
from .requests import Caller, Command, FullSync, Stats, Sync, encode_request
from .statistics import Statistics
from .transport import Limits, connect, exchange, is_local, time_left
from .work import Work

if TYPE_CHECKING:
    from .credentials import Credentials
    from .definition import Definition

T = TypeVar("T")
PROTOCOLS = ("tcp", "ssl", "http", "https")
IDENTIFY_LIMIT = 2.0  # seconds to learn which protocol a server speaks, once the asked one failed
IDENTIFY_SIZE = 1 << 16  # bytes of an answer to that


class Client:
    """Asks one server. `requests` counts the requests, and `received` the bytes of the replies.

    A request takes at most `timeout` seconds, if it has no limits of its own. `on_this_host` says whether the
    last connection was to an address of this host. With `with_lines`, answers have what details need: a
    definition has its lines, and changes have their mementos.
    """

    def __init__(self, access: Access, *, timeout: float = 60.0, with_lines: bool = False) -> None:
        self.access = access
        self.timeout = timeout
        self.with_lines = with_lines
        self.requests = 0
        self.received = 0
        self.on_this_host = False
        self._answered = False
        self._known_caller: Caller | None = None

    def stats(self) -> Statistics:
        """Return the server's statistics. Raises EcflowError."""
        return _present(self.ask([Stats()]).statistics)

    def full_sync(self) -> "Definition":
        """Return all nodes. Raises EcflowError."""
        return _present(self.ask([FullSync()]).definition)

    def sync(self, state_change_no: int, modify_change_no: int, handle: int = 0) -> "Changes | Definition":
        """Return the changes since these numbers, or all nodes if the server sends them.

        Raises FullReadingRequired if the changes do not show every node's state, HandleGone if the server
        does not know the client handle, and other EcflowErrors.
        """
        answer = self.ask([Sync(state_change_no, modify_change_no, handle)])
        if error := answer.error or answer.required:
            raise error
        return _present(answer.changes) if answer.definition is None else answer.definition

    @contextmanager
    def handle(self, *suites: str) -> "Iterator[RegisteredHandle]":
        """Register a client handle for some suites, and drop it at the end. Raises EcflowError."""
        from .handles import Drop, Register

        number = _present(self.ask([Register(suites)]).registered)
        try:
            yield RegisteredHandle(self, number)
        finally:
            self.ask([Drop(number)])

    def ask(self, commands: Sequence[Command], limits: Limits | None = None) -> Answer:
        """Make one request of these commands, and return the server's answer.

        The answer says that a client handle is gone; every other failure raises EcflowError.
        """
        limits = limits or Limits.within(self.timeout)
        self.requests += 1
        work = limits.work or Work(limits.deadline)
        work.end()
        try:
            body = self._exchange(encode_request(commands, self._caller), limits)
            self.received += len(body)
            work.begin(len(body))
            answer = decode_reply(body, self._caller.user, work, with_lines=self.with_lines)
        except (CertificateMissing, ConnectionClosed, HandshakeFailed, NotEcflow) as error:
            known = self._answered or (isinstance(error, ConnectionClosed) and error.began)
            if known or isinstance(error, OtherName):
                raise
            spoken = self._identify(limits.deadline, error)
            if spoken is None:
                raise
            raise WrongProtocol(self.access.protocol, spoken) from error
        self._answered = True
        if answer.error is not None and not isinstance(answer.error, HandleGone):
            raise answer.error
        return answer

    @property
    def _caller(self) -> Caller:
        # No cached_property: until Python 3.12 it has one lock, for which all clients would wait.
        if self._known_caller is None:
            access = self.access
            user = access.user or _login()
            password = encrypt(access.password, user) if access.password else ""
            self._known_caller = Caller(user, _host(), password, named=access.user is not None)
        return self._known_caller

    def _exchange(self, request: bytes, limits: Limits) -> bytearray:
        access = self.access
        credentials = None
        if access.protocol in ("http", "https"):
            from .credentials import credentials_for

            credentials = credentials_for(access, self._caller.user)
        with _connect(access, limits.first_by) as connection:
            self.on_this_host = is_local(connection)
            return _exchange(connection, access, request, limits, credentials)

    def _identify(self, deadline: float, failed: EcflowError) -> str | None:
        """Return which other protocol the server speaks, or None; `failed` is how the asked one failed.

        It is asked in each, with neither password nor token, and any certificate is taken: an ecFlow server
        answers, if only to refuse. Raises OtherHttpServer or Redirected.
        """
        request = encode_request([Stats()], Caller(_login(), _host()))
        end = min(deadline, time.monotonic() + IDENTIFY_LIMIT)
        speaks_tls = isinstance(failed, CertificateRefused)
        possible = ("ssl", "https") if speaks_tls else PROTOCOLS
        others = [protocol for protocol in possible if protocol != self.access.protocol]
        other: EcflowError | None = None
        for number, protocol in enumerate(others):
            access = self.access._replace(protocol=protocol)
            try:
                by = time.monotonic() + time_left(end) / (len(others) - number)
                limits = Limits(by, by, IDENTIFY_SIZE)
                with _connect(access, by, trusting=True) as connection:
                    reply = _exchange(connection, access, request, limits, None)
                decode_reply(reply, _login(), Work(by))
            except AccessRefused:
                return protocol
            except (OtherHttpServer, Redirected) as error:
                other = error
                continue
            except EcflowError:
                continue
            return protocol
        if other is not None and not speaks_tls:  # the certificate is the cause then
            raise other
        return None


class RegisteredHandle(NamedTuple):
    """A client handle that is registered on a server: it reads only its suites."""

    client: Client
    number: int

    def full_sync(self) -> "Definition":
        """Return all nodes of the handle's suites. Raises EcflowError."""
        found = self.sync(0, 0)
        if isinstance(found, Changes):
            raise NotUnderstood("the server sent no definition")
        return found

    def sync(self, state_change_no: int, modify_change_no: int) -> "Changes | Definition":
        """Return the changes since these numbers, as Client.sync does."""
        return self.client.sync(state_change_no, modify_change_no, self.number)


def _present(value: T | None) -> T:
    """Return a part of an answer. Raises NotUnderstood if the server left it out."""
    if value is None:
        raise NotUnderstood("the server's reply has no answer to the request")
    return value


def _connect(access: Access, deadline: float, *, trusting: bool = False) -> socket.socket:
    """Return a connection to a server that has proved itself, if the protocol has proofs.

    With `trusting` any certificate is taken. Raises EcflowError.
    """
    if access.protocol in ("tcp", "http"):
        return connect(access.host, access.port, deadline)
    from . import tls

    return tls.connect(access, deadline, trusting=trusting)


def _exchange(
    connection: Any, access: Access, request: bytes, limits: Limits, credentials: "Credentials | None"
) -> bytearray:
    """Send a request's body, and return the reply's. Raises EcflowError."""
    if access.protocol in ("tcp", "ssl"):
        return exchange(connection, request, limits)
    from . import http

    return http.exchange(connection, access, request, limits, credentials)


@cache
def _host() -> str:
    return socket.gethostname()


@cache
def _login() -> str:
    """Return the name of the user who runs this process, or the number if it has no name."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
