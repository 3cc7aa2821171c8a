"""One ecFlow server that watchman reads, and the proof that what it wrote is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.ecflow_server import EcflowServer
from tests.support.redis_server import RedisServer, health_of, status_of
from tests.support.relay import Exchange, Relay
from tests.support.watchman import Watchman
from watchman_cli.ecflow_client.details.flags import SHOWN
from watchman_cli.snapshot import SINCE_SHOWN
from watchman_cli.store.redis.keys import KeyField, key

NAME = "o/r"
VERIFIED_EVERY = 86400  # seconds: by chance, none of a test's few runs is verified, which is a reading more
DEFINITION = (
    """
suite s
  family f
    task a
      repeat integer STEP 0 10
      meter progress 0 100
      event done
      label info ""
      limit disk 10
      edit V 'x'
    task b
    family g
      task c
      task d
    endfamily
  endfamily
endsuite
suite other
  task t
"""
    + "".join(f"  task t{number}\n" for number in range(100))
    + "endsuite\n"
)


@dataclass
class Watched:
    """One ecFlow server, read by watchman through a relay into one Redis."""

    ecflow: EcflowServer
    relay: Relay
    redis: RedisServer
    watchman: Watchman
    settings: dict[str, Any] = field(default_factory=dict)
    top: dict[str, Any] = field(default_factory=dict)

    def configure(self, **settings: Any) -> None:
        self.settings |= settings
        entry = {"owner": "o", "repo": "r", "address": self.relay, "full_sync_every": VERIFIED_EVERY}
        entry |= self.settings
        self.watchman.configure(self.redis.url, [entry], **self.top)

    def collect(self, *arguments: str) -> dict[str, Any]:
        """Make one run, whose snapshot is that of an independent full sync; return how it was read."""
        self.ecflow.await_next_second()
        result = self.watchman.collect(*arguments)
        assert (result.code, result.err) == (0, ""), result.err
        return self.check()

    def check(self) -> dict[str, Any]:
        """Compare the snapshot with an independent full sync; return the health record's `sync`."""
        found, expected = status_of(self.redis.client, NAME), self.expected()
        assert found
        records = [_comparable(record) for record in found["status_records"]]
        assert records == expected["records"], _first_difference(records, expected["records"])
        assert found["server_state"] == expected["server_state"]
        return self.health()

    def expected(self) -> dict[str, Any]:
        """Return what the bindings say of the server now, in the words of a snapshot."""
        truth = self.ecflow.snapshot()
        nodes = zip(truth["records"][1:], truth["details"], strict=True)
        records = [_expected(path, status, time, flags) for (path, status), (time, flags) in nodes]
        suites = self.settings.get("suites")
        if suites:
            records = [record for record in records if record["path"].split("/")[1] in suites]
        root = {"path": "/", "status": truth["records"][0][1]}
        return {"records": [root, *records], "server_state": truth["server_state"]}

    def health(self) -> dict[str, Any]:
        """Return the health record's `sync`, with the number of requests."""
        health = health_of(self.redis.client, NAME)
        assert health and health["ok"]
        return {**health["sync"], "requests": health["requests"]}

    def taken(self) -> list[Exchange]:
        return self.relay.take()

    def value(self, field: KeyField) -> bytes:
        value: Any = self.redis.client.get(key(NAME, field))
        assert value
        return bytes(value)

    def set(self, field: KeyField, value: bytes) -> None:
        self.redis.client.set(key(NAME, field), value)


def _first_difference(found: list[Any], expected: list[Any]) -> str:
    pairs = ((mine, other) for mine, other in zip(found, expected, strict=False) if mine != other)
    return f"{len(found)} and {len(expected)} records, {next(pairs, None)}"


def _expected(path: str, status: str, time: str, flags: str) -> dict[str, Any]:
    record: dict[str, Any] = {"path": path, "status": status}
    if status in SINCE_SHOWN and time[:1].isdigit():  # not-a-date-time, before the suite begins
        record["since"] = f"{time[:19]}+00:00"
    shown = SHOWN & set(flags.split(","))
    return record | ({"flags": sorted(shown)} if shown else {})


def _comparable(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a snapshot's record as `_expected` gives it; of `/`, the bindings report only the state."""
    found = dict(record)
    if found["path"] == "/":
        found.pop("flags", None)
    elif "flags" in found:
        found["flags"] = sorted(found["flags"])
    return found
