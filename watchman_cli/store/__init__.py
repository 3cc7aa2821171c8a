"""Where snapshots go and are read back from: bytes go in under a server's name, and come out again."""

from watchman_cli.store.redis import (
    Changed,
    DirectoryStore,
    Earlier,
    Lease,
    RedisStore,
    Store,
    Superseded,
    Writing,
    open_store,
    read_snapshot,
)

__all__ = [
    "Changed",
    "DirectoryStore",
    "Earlier",
    "Lease",
    "RedisStore",
    "Store",
    "Superseded",
    "Writing",
    "open_store",
    "read_snapshot",
]
