"""The names of keys and channels in Redis; docs/store.md has the list."""

from typing import Literal, NamedTuple

KeyField = Literal["status", "health", "sync", "changes", "lock"]


class ServerKeys(NamedTuple):
    """The keys of one server, and its channel. All keys hash to one slot of a Redis Cluster."""

    status: str
    health: str
    sync: str
    changes: str
    lock: str
    details: str
    changed_details: str
    silences: str
    channel: str

    @property
    def all(self) -> tuple[str, ...]:
        """Every key of the server."""
        return self[:-1]

    def of(self, field: KeyField) -> str:
        """Return the key of a field of the server."""
        full_key: str = getattr(self, field)
        return full_key


def server_keys(name: str) -> ServerKeys:
    """Return the keys of the server `name` (`owner/repo`)."""
    status = f"{name}/status"
    slot = f"{{{status}}}"
    return ServerKeys(
        status=status,
        health=f"{slot}/health",
        sync=f"{slot}/sync",
        changes=f"{slot}/changes",
        lock=f"{slot}/lock",
        details=f"{slot}/details",
        changed_details=f"{slot}/details/changed",
        silences=f"{slot}/silences",
        channel=f"{status}/channel",
    )


def key(name: str, field: KeyField) -> str:
    """Return the key of one field of the server `name`."""
    return server_keys(name).of(field)


def address_key(address: str) -> str:
    """Return the key of the lock of one ecFlow server's address."""
    return f"{{address/{address}}}/lock"
