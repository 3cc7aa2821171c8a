"""A connection to Redis that watches the snapshot and the locks of a server, for one transaction.

redis-py sends WATCH alone. Here other commands are sent with it, in one round trip: a lease takes its locks,
begins to watch, and reads.
"""

from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from redis import exceptions

from watchman_cli import snapshot
from watchman_cli.store.redis.calls import Command
from watchman_cli.store.redis.client import READ_SIZE, connection_of
from watchman_cli.store.redis.errors import value_or_none
from watchman_cli.store.redis.lock import RedisLock

if TYPE_CHECKING:
    import redis
    from redis.client import Pipeline

PART = READ_SIZE  # bytes of a large snapshot that are read at once


class Watch(NamedTuple):
    """A connection that watches the snapshot and some locks.

    `owners` are the tokens in the locks. `head` is the beginning of the snapshot, and `stamp` that of the
    stored details, which are watched then; each is None if it was not read. All were read after the watch
    began. `is_read` says that this is the leased snapshot, all of which the run has read.
    """

    pipe: "Pipeline"
    locks: Sequence[RedisLock]
    owners: Sequence[bytes | None]
    head: bytes | None = None
    stamp: str | None = None
    is_read: bool = False

    def ask(self, *commands: Command) -> list[Any]:
        """Return the answers to commands that are sent together, errors among them.

        Raises RedisError and OSError if the connection fails: then the watch has ended.
        """
        return list(_answers(self.pipe, self.pipe.connection, commands))

    def prove(self, status: str, size: int, revision: str) -> snapshot.Head:
        """Prove that the snapshot of `size` bytes has this revision, a part at a time; return its head.

        Raises NotWhole, and the errors of `ask`: then the watch may have ended.
        """
        # If the value is longer, the last part has one byte more, and is not the end of a snapshot.
        reads = [("GETRANGE", status, start, min(start + PART - 1, size)) for start in range(0, size, PART)]
        with closing(_answers(self.pipe, self.pipe.connection, reads)) as answers:
            return snapshot.prove((value_or_none(answer) or b"" for answer in answers), revision)

    def close(self) -> None:
        """End the watch."""
        _close(self.pipe)


def begin(
    client: "redis.Redis", status: str, locks: Sequence[RedisLock], *reads: str
) -> tuple[list[Any], Watch]:
    """Watch the key `status` and the locks; return the values of the keys `reads`, and the watch.

    A key of another type counts as missing. Raises RedisError and OSError.
    """
    names = [lock.key for lock in locks]
    pipe, answers = _open(client, [("WATCH", status, *names), ("MGET", *reads, *names)])
    for answer in answers:
        if isinstance(answer, Exception):
            _close(pipe)
            raise answer
    found = answers[1]
    return found[: len(reads)], Watch(pipe, locks, found[len(reads) :])


def begin_with(
    client: "redis.Redis", status: str, locks: Sequence[RedisLock], *commands: Command
) -> tuple[list[Any], Watch | None]:
    """Send a command for each lock, begin the watch, and send the other commands.

    Return the answers to the commands, an error among them, and the watch. It is None if Redis refuses it:
    then the commit begins another one, and reports the reason. Raises RedisError and OSError if the
    connection fails.
    """
    names, number = [lock.key for lock in locks], len(locks)
    watch = ("WATCH", status, *names)
    pipe, answers = _open(client, [*commands[:number], watch, *commands[number:], ("MGET", *names)])
    watching, owners = answers.pop(number), answers.pop()
    if isinstance(watching, Exception) or isinstance(owners, Exception):
        _close(pipe)
        return answers, None
    return answers, Watch(pipe, locks, owners)


def _open(client: "redis.Redis", commands: Sequence[Command]) -> "tuple[Pipeline, list[Any]]":
    """Return a pipeline whose connection has sent the commands, and the answers, errors among them."""
    pipe = client.pipeline()
    connection: Any = connection_of(client)
    pipe.connection = connection
    return pipe, list(_answers(pipe, connection, commands))


def _answers(pipe: "Pipeline", connection: Any, commands: Sequence[Command]) -> Generator[Any, None, None]:
    try:
        connection.send_packed_command(connection.pack_commands(commands))
        for command in commands:
            yield _answer(pipe, connection, command)
    except BaseException:
        connection.disconnect()  # answers may be left to read
        pipe.watching = False
        pipe.reset()
        raise


def _answer(pipe: "Pipeline", connection: Any, command: Command) -> Any:
    try:
        return pipe.parse_response(connection, command[0])
    except exceptions.ResponseError as error:
        return error


def _close(pipe: "Pipeline") -> None:
    with suppress(exceptions.RedisError, OSError):
        pipe.reset()  # `close` of redis-py 5.0 goes on watching
