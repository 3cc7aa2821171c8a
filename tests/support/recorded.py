"""Values that an earlier watchman stored, in tests/unit/data/stored.json, and the updates that it wrote.

The updates are those of four runs that read a real server: a first one, one after a task was aborted, one in
which nothing had changed, one after the server was stopped. `stores` has what each kind of store then held.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from watchman_cli import health
from watchman_cli.changes.batch import decode
from watchman_cli.follow import history
from watchman_cli.readback import read_server
from watchman_cli.store import Store, Update
from watchman_cli.sync import cache

NAME, ADDRESS = "o/r", "login01:3141"
RECORDED: dict[str, Any] = json.loads((Path(__file__).parents[1] / "unit/data/stored.json").read_text())


def updates() -> Iterator[Update]:
    """Yield the updates of the recorded runs."""
    for each in RECORDED["updates"]:
        values = {name: value.encode() for name, value in each["values"].items()}
        batch = decode(values.pop("changes")) if "changes" in values else None
        yield Update(**values, **each["options"], changes=batch)


def write_all(store: Store) -> None:
    """Write the recorded updates, each with a lease of its own."""
    for update in updates():
        lease = store.lease(NAME, time.monotonic() + 60, ADDRESS)
        assert lease
        with lease:
            lease.commit(update)


def directory_values(root: Path) -> dict[str, str]:
    """Return the content of each file below a directory."""
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


def redis_values(client: Any) -> dict[str, Any]:
    """Return the value of each key in Redis, and whether it expires; of a stream, the fields."""
    found = {}
    for key in sorted(client.scan_iter("*")):
        if client.type(key) == b"stream":
            entries = [fields for _, fields in client.xrange(key)]
            value: Any = [{k.decode(): v.decode() for k, v in fields.items()} for fields in entries]
        else:
            value = client.get(key).decode()
        found[key.decode()] = {"value": value, "expires": client.pttl(key) != -1}
    return found


def check_reading(store: Store) -> None:
    """Check that all that a store holds is read, and encoded again is the same bytes."""
    found = read_server(store, NAME)
    values = RECORDED["updates"]
    snapshot = found.snapshot
    assert snapshot and snapshot.server_state == "HALTED" and len(snapshot.records) == 5
    assert snapshot.status("/s/f/t") == "aborted"
    assert found.health_summary == "1 run failed: connection refused"
    assert health.encode(found.health).decode() == values[3]["values"]["health"]
    sync = store.value(NAME, "sync")
    assert sync and sync.decode() == values[2]["values"]["sync"]
    known = cache.decode(sync)
    if json.loads(sync.partition(b"\n")[2])["details"] == cache.DETAILS_KEPT:
        assert known and cache.encode(known) == sync
    else:  # a detail was added since: the next run reads in full
        assert known is None
    batches = [batch.encode().decode() for _, batch in history(store, NAME, None)]
    assert batches == [each["values"]["changes"] for each in values[:2]]
