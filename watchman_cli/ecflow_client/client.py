"""The client: one request of a server, in one of its four protocols."""

from __future__ import annotations

import os
import pwd
import socket
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from watchman_cli.ecflow_client.access import Access
from watchman_cli.ecflow_client.errors import (
    AccessRefused,
    CertificateMissing,
    CertificateRefused,
    ConnectionClosed,
    EcflowError,
    HandleGone,
    HandshakeFailed,
    NotEcflow,
    OtherHttpServer,
    OtherName,
    Redirected,
    WrongProtocol,
)
from watchman_cli.ecflow_client.password import encrypt
from watchman_cli.ecflow_client.replies import Answer, decode_reply
from watchman_cli.ecflow_client.requests import Caller, Command, Stats, encode_request
from watchman_cli.ecflow_client.transport import Limits, connect, exchange, is_local, time_left
from watchman_cli.ecflow_client.work import Work

if TYPE_CHECKING:
    from watchman_cli.ecflow_client.credentials import Credentials

PROTOCOLS = ("tcp", "ssl", "http", "https")
IDENTIFY_LIMIT = 2.0  # seconds to learn which protocol a server speaks, once the asked one failed
IDENTIFY_SIZE = 1 << 16  # bytes of an answer to that


class Client:
    """Asks one server. `requests` and `received` count what was asked, and the bytes that came.

    `on_this_host` says whether the last connection was to an address of this host's own.
    """

    def __init__(self, access: Access) -> None:
        self.access = access
        self.requests = 0
        self.received = 0
        self.on_this_host = False
        self._answered = False
        self._known_caller: Caller | None = None

    def ask(self, commands: Sequence[Command], limits: Limits) -> Answer:
        """Make one request of these commands, and return what it was answered.

        The answer says that a client handle is gone; every other failure raises EcflowError.
        """
        self.requests += 1
        work = limits.work or Work(limits.deadline)
        work.end()
        try:
            body = self._exchange(encode_request(commands, self._caller), limits)
            self.received += len(body)
            work.begin(len(body))
            answer = decode_reply(body, self._caller.user, work)
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
            from watchman_cli.ecflow_client.credentials import credentials_for

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
            access = replace(self.access, protocol=protocol)
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


def _connect(access: Access, deadline: float, *, trusting: bool = False) -> socket.socket:
    """Return a connection to a server that has proved itself, if the protocol has proofs.

    With `trusting` any certificate is taken. Raises EcflowError.
    """
    if access.protocol in ("tcp", "http"):
        return connect(access.host, access.port, deadline)
    from watchman_cli.ecflow_client import tls

    return tls.connect(access, deadline, trusting=trusting)


def _exchange(
    connection: Any, access: Access, request: bytes, limits: Limits, credentials: Credentials | None
) -> bytearray:
    """Send a request's body, and return the reply's. Raises EcflowError."""
    if access.protocol in ("tcp", "ssl"):
        return exchange(connection, request, limits)
    from watchman_cli.ecflow_client import http

    return http.exchange(connection, access, request, limits, credentials)


@cache
def _host() -> str:
    return socket.gethostname()


@cache
def _login() -> str:
    """Return the name of the user who runs this process, or the number where it has none."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
