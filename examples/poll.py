"""Poll one server's snapshot, and read it whole only when a node's state has changed.

Usage: python poll.py redis://127.0.0.1:6379/0 nwp_xp/nwpc_op [SECONDS]
"""

import re
import sys
import time

import redis

from watchman_cli import read_snapshot


def revision_of(client: "redis.Redis", server: str) -> "bytes | None":
    """Return the snapshot's revision, for which the first 256 of its bytes are enough."""
    found = re.search(rb'"revision":"([0-9a-f]+)"', client.getrange(f"{server}/status", 0, 255))
    return found and found[1]


def main(url: str, server: str, seconds: float = 60) -> None:
    """Print what is aborted, each time that a state has changed."""
    client, seen = redis.Redis.from_url(url), None
    while True:
        revision = revision_of(client, server)
        if revision != seen:
            snapshot = read_snapshot(url, server)
            aborted = [record.path for record in snapshot.records if record.status == "aborted"]
            print(snapshot.collected_time, "aborted:", ", ".join(aborted) or "nothing", flush=True)
            seen = revision
        time.sleep(seconds)


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(float, sys.argv[3:4]))
