"""Connections to Redis on which no wait outlasts the run's deadline.

redis-py limits each read of a socket, but neither the name's resolution nor a whole answer: if a Redis sends
one byte each second, redis-py waits without end. So each thread has a time budget, and each wait uses some of
it. A wait uses at most the time that it asked for: if the process itself was stopped meanwhile (Ctrl-Z), that
is not Redis's fault, and an answer that came meanwhile is read.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from redis.connection import AbstractConnection, HiredisRespSerializer, PythonRespSerializer

from watchman_cli.store.redis.calls import Command
from watchman_cli.store.redis.url import Endpoint

if TYPE_CHECKING:
    import ssl

T = TypeVar("T")
MAX_TIMEOUT = 5.0  # seconds for one read or write of a socket
LARGE = 1 << 17  # bytes of a value that is sent as it is
LATE_BUDGET = 2.0  # seconds after the deadline for a run that was stopped and continues


class TimeBudget:
    """The time that each thread may still wait for Redis, in seconds."""

    def __init__(self) -> None:
        self.timeout = MAX_TIMEOUT  # seconds for one wait
        self._threads = threading.local()

    @property
    def left(self) -> float:
        """Return the rest of the thread's budget, in seconds."""
        left: float = getattr(self._threads, "left", self.timeout)
        return left

    @property
    def exhausted(self) -> bool:
        """Return whether the last wait of this thread used up its budget."""
        exhausted: bool = getattr(self._threads, "exhausted", False)
        return exhausted

    @contextmanager
    def until(self, deadline: float) -> Iterator[None]:
        """Let this thread wait until `deadline`, a time.monotonic(), within the context."""
        before = self.left
        left = deadline - time.monotonic()
        self._threads.left = left if left > 0 else LATE_BUDGET
        self._threads.exhausted = False
        try:
            yield
        finally:
            self._threads.left = before

    def wait(self, action: Callable[[float], T], timeout: float | None = None) -> T:
        """Return the result of `action`, which waits for at most the seconds in its argument.

        Raises TimeoutError if the budget is used up.
        """
        left = self.left
        allowed = min(self.timeout if timeout is None else timeout, left)
        if allowed <= 0:
            raise TimeoutError
        began = time.monotonic()
        try:
            return action(allowed)
        finally:
            left -= min(time.monotonic() - began, allowed)
            self._threads.left, self._threads.exhausted = left, left <= 0


class BoundedSocket:
    """A connected socket whose waits use a time budget; otherwise it acts as the socket itself."""

    def __init__(self, connected: socket.socket, budget: TimeBudget) -> None:
        self._socket, self._budget = connected, budget
        self._polling = False

    def settimeout(self, seconds: float | None) -> None:
        """Note whether the next read must not wait; the budget limits any other."""
        self._polling = seconds == 0

    def recv(self, *arguments: Any) -> bytes:
        """Read as socket.recv does, within the budget."""
        return self._bounded(self._socket.recv, *arguments)

    def recv_into(self, *arguments: Any) -> int:
        """Read as socket.recv_into does, within the budget."""
        return self._bounded(self._socket.recv_into, *arguments)

    def sendall(self, data: bytes | memoryview) -> None:
        """Send everything, each part of it within a timeout, all of it within the budget."""
        left = memoryview(data)
        while left:
            left = left[self._bounded(self._socket.send, left) :]

    def _bounded(self, call: Callable[..., T], *arguments: Any) -> T:
        if self._polling:
            self._socket.settimeout(0)
            return call(*arguments)

        def waiting(seconds: float) -> T:
            self._socket.settimeout(seconds)
            return call(*arguments)

        return self._budget.wait(waiting)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


class Packer(HiredisRespSerializer):
    """Packs commands with hiredis.

    redis-py does, too, and looks at each word before, which takes more than twice as long.
    """

    def __init__(self, pack: Callable[[Command], bytes]) -> None:
        self._pack = pack

    def pack(self, *words: Any) -> list[bytes]:
        """Return the bytes of one command."""
        if isinstance(words[0], bytes) or " " in words[0]:  # XINFO STREAM is two words for Redis
            packed: list[bytes] = super().pack(*words)
            return packed
        return [self._pack(words)]


class BoundedConnection(AbstractConnection):
    """A connection of redis-py over a BoundedSocket: TCP, TLS or a Unix socket."""

    def __init__(
        self, *, endpoint: Endpoint, budget: TimeBudget, context: ssl.SSLContext | None, **options: Any
    ) -> None:
        self.endpoint, self.budget, self.context = endpoint, budget, context
        self.host, self.port = endpoint.host or endpoint.path, endpoint.port
        self._name = str(endpoint)  # used with each answer
        super().__init__(**options)

    def _construct_command_packer(self, packer: Any) -> Any:
        chosen = super()._construct_command_packer(packer)  # type: ignore[no-untyped-call]
        if not isinstance(chosen, HiredisRespSerializer):  # hiredis is missing, or too old
            return chosen
        from hiredis import pack_command

        return Packer(pack_command)

    def pack_commands(self, commands: Iterable[Command]) -> list[bytes]:
        """Return the bytes of commands, to be sent one after the other.

        A large value is sent as it is: hiredis would copy it twice. Without one, everything is sent at once.
        """
        pack: Any = super().pack_commands
        packed: list[bytes] = []
        small: list[Command] = []
        for command in commands:
            if len(command) > 2 and isinstance(command[2], bytes) and len(command[2]) > LARGE:
                packed += pack(small)
                packed += PythonRespSerializer(LARGE, self.encoder.encode).pack(*command)
                small = []
            else:
                small.append(command)
        packed += pack(small)
        return packed if sum(map(len, packed)) > LARGE else [b"".join(packed)]

    def repr_pieces(self) -> list[tuple[str, Any]]:
        """Return the parts that distinguish this connection, without a password."""
        return [("endpoint", self._name)]

    def _host_error(self) -> str:
        return self._name

    def _error_message(self, exception: BaseException) -> str:
        return str(exception)

    def _connect(self) -> BoundedSocket:
        return BoundedSocket(connect(self.endpoint, self.budget, self.context), self.budget)


def connect(endpoint: Endpoint, budget: TimeBudget, context: ssl.SSLContext | None) -> socket.socket:
    """Return a socket that is connected to `endpoint`. Raises OSError."""
    if endpoint.path:
        return _open(socket.AF_UNIX, endpoint.path, budget)
    failure: OSError = OSError("its name has no address")
    for family, target in resolve(endpoint, budget):
        try:
            opened = _open(family, target, budget)
        except OSError as error:
            failure = error
            continue
        return opened if context is None else _start_tls(opened, endpoint.host, budget, context)
    raise failure


def _start_tls(
    opened: socket.socket, host: str, budget: TimeBudget, context: ssl.SSLContext
) -> socket.socket:
    def waiting(seconds: float) -> socket.socket:
        opened.settimeout(seconds)  # the limit of the whole handshake
        return context.wrap_socket(opened, server_hostname=host)

    try:
        return budget.wait(waiting)
    except BaseException:
        opened.close()
        raise


def _open(family: int, target: Any, budget: TimeBudget) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family != socket.AF_UNIX:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def waiting(seconds: float) -> None:
            opened.settimeout(seconds)
            opened.connect(target)

        budget.wait(waiting)
    except BaseException:
        opened.close()
        raise
    return opened


def resolve(endpoint: Endpoint, budget: TimeBudget) -> list[tuple[int, Any]]:
    """Return the families and addresses of a host. Raises OSError.

    A resolver cannot be interrupted: if it hangs, its thread remains, and no other thread waits for it.
    """

    host = endpoint.host.encode() if endpoint.host.isascii() else endpoint.host  # bytes need no codec

    def look_up(flags: int = 0) -> list[tuple[int, Any]]:
        found = socket.getaddrinfo(host, endpoint.port, type=socket.SOCK_STREAM, flags=flags)
        return [(family, target) for family, _, _, _, target in found]

    with suppress(socket.gaierror):
        return look_up(socket.AI_NUMERICHOST)
    return in_threads([look_up], budget, budget.left)


def in_threads(actions: list[Callable[[], T]], budget: TimeBudget, timeout: float | None = None) -> T:
    """Return the result of the first action that succeeds; all begin at once.

    If all fail, raises the error of the last one. If none ends in time, raises TimeoutError.
    """
    ended: queue.SimpleQueue[tuple[T | None, Exception | None]] = queue.SimpleQueue()

    def act(action: Callable[[], T]) -> None:
        try:
            ended.put((action(), None))
        except Exception as error:
            ended.put((None, error))

    for action in actions:
        threading.Thread(target=act, args=(action,), name="watchman-look-up", daemon=True).start()
    failures: list[Exception] = []
    while len(failures) < len(actions):
        try:
            result, failure = budget.wait(lambda seconds: ended.get(timeout=seconds), timeout)
        except queue.Empty:
            raise TimeoutError("no answer") from (failures[-1] if failures else None)
        if failure is None:
            return result  # type: ignore[return-value]
        failures.append(failure)
    raise failures[-1]
