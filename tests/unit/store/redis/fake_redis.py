"""A Redis over a real socket for faults that a real one cannot show: a lost answer, a race, a refusal.

It has the commands that watchman sends, in one thread a connection. A time to live does not run down.
"""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.faulty_server import Connection, FakeServer

Fault = Callable[[list[bytes]], Any]
OK = "OK"
NIL = object()  # an answer of a fault
WRONG_TYPE = Exception("WRONGTYPE Operation against a key holding the wrong kind of value")


class Lost(Exception):
    """The connection is reset in place of an answer."""


class FakeRedis:
    """The server: `values` by key, `lives` in milliseconds by key, and the commands that it was sent.

    A fault of a command is asked before it is executed: it returns the answer, or None to execute the
    command. An error of Redis is an Exception, and Lost resets the connection. A fault in `after` is asked
    after the execution.
    """

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}  # bytes, a dict (hash) or a list (stream)
        self.lives: dict[str, int] = {}
        self.before: dict[str, Fault] = {}
        self.after: dict[str, Fault] = {}
        self.sent: list[list[bytes]] = []
        self.published: list[tuple[str, bytes]] = []
        self._versions: dict[str, int] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """Return the names of the commands that it was sent, except those of a new connection."""
        return [words[0].decode() for words in self.sent if words[0] != b"CLIENT"]

    def touch(self, key: str) -> None:
        """Let a connection that watches a key see a change."""
        self._versions[key] = self._versions.get(key, 0) + 1

    def put(self, key: str, value: Any, life: int = -1) -> None:
        """Set a value as another client does."""
        self.values[key] = value
        self.lives[key] = life
        self.touch(key)

    def life_of(self, key: str) -> int:
        """Return what PTTL answers."""
        return self.lives.get(key, -1) if key in self.values else -2

    def behave(self, connection: Connection) -> None:
        connection.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        file = connection.client.makefile("rb")
        watched: dict[str, int] = {}
        queued: list[list[bytes]] | None = None
        while header := file.readline():
            words = []
            for _ in range(int(header[1:])):
                size = int(file.readline()[1:])
                words.append(file.read(size + 2)[:-2])
            name = words[0].decode().upper()
            with self._lock:
                self.sent.append(words)
                answer = self._faulty(self.before, name, words)
                if answer is None and name == "MULTI":
                    queued, answer = [], OK
                elif answer is None and name == "EXEC":
                    changed = any(self._versions.get(key, 0) != seen for key, seen in watched.items())
                    answer = None if changed else [self._execute(each) for each in queued or ()]
                    queued, watched = None, {}
                    answer = self._faulty(self.after, name, words) or answer
                elif answer is None and queued is not None:
                    queued.append(words)
                    answer = "QUEUED"
                elif answer is None and name == "WATCH":
                    watched |= {key.decode(): self._versions.get(key.decode(), 0) for key in words[1:]}
                    answer = OK
                elif answer is None and name in ("UNWATCH", "DISCARD"):
                    queued, watched, answer = None, {}, OK
                elif answer is None:
                    answer = self._execute(words)
                    answer = self._faulty(self.after, name, words) or answer
            if isinstance(answer, Lost):
                file.close()
                connection.reset()
                return
            connection.forward(encoded(answer))

    def _faulty(self, faults: dict[str, Fault], name: str, words: list[bytes]) -> Any:
        fault = faults.get(name)
        return fault(words) if fault else None

    def _execute(self, words: list[bytes]) -> Any:
        method = getattr(self, f"_{words[0].decode().lower()}")
        try:
            return method(*(word.decode("latin-1") if word.isascii() else word for word in words[1:]))
        except Exception as error:
            return error

    def _string(self, key: str) -> bytes | None:
        value = self.values.get(key)
        if value is not None and not isinstance(value, bytes):
            raise WRONG_TYPE
        return value

    def _client(self, *words: str) -> str:
        return OK

    def _ping(self) -> str:
        return "PONG"

    def _set(self, key: str, value: Any, *options: str) -> str | None:
        if ("NX" in options and key in self.values) or ("XX" in options and key not in self.values):
            return None
        life = -1
        for unit, factor in (("EX", 1000), ("PX", 1)):
            if unit in options:
                life = int(options[options.index(unit) + 1]) * factor
        self.put(key, value if isinstance(value, bytes) else value.encode(), life)
        return OK

    def _get(self, key: str) -> bytes | None:
        return self._string(key)

    def _mget(self, *keys: str) -> list[bytes | None]:
        values = [self.values.get(key) for key in keys]
        return [value if isinstance(value, bytes) else None for value in values]

    def _getrange(self, key: str, start: str, end: str) -> bytes:
        return (self._string(key) or b"")[int(start) : int(end) + 1]

    def _strlen(self, key: str) -> int:
        return len(self._string(key) or b"")

    def _setrange(self, key: str, start: str, value: str) -> int:
        old = self._string(key) or b""
        self.values[key] = old[: int(start)] + value.encode() + old[int(start) + len(value) :]
        self.touch(key)
        return len(self.values[key])

    def _del(self, *keys: str) -> int:
        for key in keys:
            self.lives.pop(key, None)
            self.touch(key)
        return len([self.values.pop(key) for key in keys if key in self.values])

    _unlink = _del

    def _pttl(self, key: str) -> int:
        return self.life_of(key)

    def _expire(self, key: str, seconds: str) -> int:
        if key in self.values:
            self.lives[key] = int(seconds) * 1000
        return int(key in self.values)

    def _persist(self, key: str) -> int:
        return int(self.lives.pop(key, -1) >= 0)

    def _type(self, key: str) -> str:
        kinds = {bytes: "string", dict: "hash", list: "stream", type(None): "none"}
        return kinds[type(self.values.get(key))]

    def _xadd(self, key: str, *words: Any) -> bytes:
        place = words.index("*")
        fields = [word if isinstance(word, bytes) else word.encode() for word in words[place + 1 :]]
        number = b"%d-0" % (1_000_000_000_000 + next(self._numbers))
        self.values.setdefault(key, []).append((number, fields))
        self.touch(key)
        return number

    def _xtrim(self, key: str, *words: str) -> int:
        if "MINID" not in words:
            raise Exception("ERR syntax error")
        kept = [entry for entry in self.values.get(key, []) if _number(entry) >= int(words[-1])]
        dropped = len(self.values.get(key, [])) - len(kept)
        if dropped:
            self.values[key] = kept
        return dropped

    def _xread(self, *words: str) -> Any:
        named = words[words.index("STREAMS") + 1 :]
        found = []
        for key, position in zip(named[: len(named) // 2], named[len(named) // 2 :], strict=True):
            entries = [list(each) for each in self.values.get(key, []) if each[0].decode() > position]
            found += [[key.encode(), entries]] if entries else []
        return found or None

    def _xrange(self, key: str, first: str, last: str) -> Any:
        entries = [each for each in self.values.get(key, []) if first <= each[0].decode() <= last]
        return [list(each) for each in entries]

    def _xrevrange(self, key: str, *words: str) -> Any:
        return [list(each) for each in self.values.get(key, [])[-1:]]

    def _hmget(self, key: str, *fields: str) -> list[bytes | None]:
        found = self.values.get(key, {})
        return [found.get(field.encode()) for field in fields]

    def _hset(self, key: str, *words: Any) -> int:
        found = [word if isinstance(word, bytes) else word.encode() for word in words]
        self.values.setdefault(key, {}).update(zip(found[::2], found[1::2], strict=True))
        self.touch(key)
        return len(found) // 2

    def _publish(self, channel: str, value: Any) -> int:
        self.published.append((channel, value if isinstance(value, bytes) else value.encode()))
        return 1


def _number(entry: tuple[bytes, Any]) -> int:
    return int(entry[0].partition(b"-")[0])


def encoded(answer: Any) -> bytes:
    """Return an answer as RESP2 has it."""
    if answer is None or answer is NIL:
        return b"$-1\r\n"
    if isinstance(answer, Exception):
        return b"-%s\r\n" % str(answer).encode()
    if isinstance(answer, str):
        return b"+%s\r\n" % answer.encode()
    if isinstance(answer, int):
        return b":%d\r\n" % answer
    if isinstance(answer, list):
        return b"*%d\r\n" % len(answer) + b"".join(map(encoded, answer))
    return b"$%d\r\n%s\r\n" % (len(answer), answer)


def once(answer: Any) -> Fault:
    """Return a fault that gives an answer once."""
    left = [answer]
    return lambda words: left.pop() if left else None


@contextmanager
def answering(redis: FakeRedis | None = None) -> Iterator[tuple[FakeRedis, str]]:
    """Yield a server and its URL."""
    redis = redis or FakeRedis()
    with FakeServer(redis.behave) as server:
        yield redis, f"redis://{server.host}:{server.port}/0"
