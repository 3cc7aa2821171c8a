"""Stores: each keeps bytes under a server's name.

base.py has the contract. Only redis/ imports redis, and only when a store in Redis is opened.
"""

from watchman_cli.store.base import Lease, LeaseLost, SnapshotChanged, Store
from watchman_cli.store.redact import redact
from watchman_cli.store.url import open_store
from watchman_cli.store.values import Field, StoredBatch, StoredState, Update

__all__ = [
    "Field",
    "Lease",
    "LeaseLost",
    "SnapshotChanged",
    "Store",
    "StoredBatch",
    "StoredState",
    "Update",
    "open_store",
    "redact",
]
