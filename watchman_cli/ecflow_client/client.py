"""The client: one request of a server, in one of its four protocols."""

from __future__ import annotations

import os
import pwd
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

from watchman_cli.ecflow_client.access import Access
from watchman_cli.ecflow_client.errors import (
    AccessRefused,
    CertificateMissing,
    ConnectionClosed,
    EcflowError,
    HandleGone,
    HandshakeFailed,
    NotEcflow,
    OtherHttpServer,
    WrongProtocol,
)
from watchman_cli.ecflow_client.password import encrypt
from watchman_cli.ecflow_client.replies import Answer, decode_reply
from watchman_cli.ecflow_client.requests import Caller, Command, Stats, encode_request
from watchman_cli.ecflow_client.transport import Limits, connect, exchange, time_left

PROTOCOLS = ("tcp", "ssl", "http", "https")
IDENTIFY_LIMIT = 2.0  # seconds to learn which protocol a server speaks, once the asked one failed
IDENTIFY_SIZE = 1 << 16  # bytes of an answer to that


class Client:
    """Asks one server. `requests` and `received` count what was asked, and the bytes that came."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.requests = 0
        self.received = 0
        self._answered = False
        self._known_caller: Caller | None = None

    def ask(self, commands: Sequence[Command], limits: Limits) -> Answer:
        """Make one request of these commands, and return what it was answered.

        The answer says that a client handle is gone; every other failure raises EcflowError.
        """
        self.requests += 1
        try:
            body = self._exchange(encode_request(commands, self._caller), limits)
            self.received += len(body)
            answer = decode_reply(body, self._caller.user)
        except (CertificateMissing, ConnectionClosed, HandshakeFailed, NotEcflow) as error:
            if self._answered or (isinstance(error, ConnectionClosed) and error.began):
                raise
            spoken = self._identify(limits.deadline)
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
        headers: dict[str, str] = {}
        if access.protocol in ("http", "https"):
            from watchman_cli.ecflow_client import http

            url = f"{access.protocol}://{access.host}:{access.port}"
            headers = http.authorization(url, access.tokens)
        return _send(access, request, limits, self._caller.user, headers)

    def _identify(self, deadline: float) -> str | None:
        """Return which other protocol the server speaks; None where it speaks none of them.

        It is asked in each, with neither password nor token: an ecFlow server answers, if only to refuse.
        Raises OtherHttpServer.
        """
        request = encode_request([Stats()], Caller(_login(), _host()))
        end = min(deadline, time.monotonic() + IDENTIFY_LIMIT)
        others = [protocol for protocol in PROTOCOLS if protocol != self.access.protocol]
        other: OtherHttpServer | None = None
        for number, protocol in enumerate(others):
            access = replace(self.access, protocol=protocol)
            try:
                by = time.monotonic() + time_left(end) / (len(others) - number)
                limits = Limits(by, by, IDENTIFY_SIZE)
                decode_reply(_send(access, request, limits, _login(), None), _login())
            except AccessRefused:
                return protocol
            except OtherHttpServer as error:
                other = error
                continue
            except EcflowError:
                continue
            return protocol
        if other is not None:
            raise other
        return None


def _send(
    access: Access, request: bytes, limits: Limits, user: str, headers: Mapping[str, str] | None
) -> bytearray:
    """Make a connection, send a request's body, and return the reply's.

    Without `headers` nothing secret is sent, and any certificate is taken.
    """
    with connect(access.host, access.port, limits.first_by) as plain:
        if access.protocol == "tcp":
            return exchange(plain, request, limits)
        if access.protocol == "http":
            from watchman_cli.ecflow_client import http

            return http.exchange(plain, access, request, limits, headers or {}, user)
        from watchman_cli.ecflow_client import tls

        context = tls.trusting_context() if headers is None else tls.context_for(access)
        with tls.wrap(plain, context, access.host, limits.first_by) as wrapped:
            if access.protocol == "ssl":
                return exchange(wrapped, request, limits)
            from watchman_cli.ecflow_client import http

            return http.exchange(wrapped, access, request, limits, headers or {}, user)


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
