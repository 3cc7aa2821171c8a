"""A marker in each attribute of a real server never comes out, whatever becomes of a reply."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.ecflow_server import EcflowServer
from tests.support.redis_server import RedisServer
from tests.support.relay import Relay
from tests.support.watchman import Watchman

M = "xyzzy4711"
SEEDED = f"""
suite s
  edit {M}_NAME '{M} suite'
  family f
    task a
      repeat enumerated {M}_E "{M}1" "{M}2"
      edit PASSWORD '{M}'
      label {M}_label "{M} text"
      meter {M}_meter 0 100
      event {M}_event
      limit {M}_limit 10
      queue {M}_queue {M}1 {M}2
      generic {M}_generic {M}
      inlimit /s/f/a:{M}_limit
    task b
      trigger /s/f/a:{M}_event == set or /s/f/a:{M}_meter > 50
      complete /s/f/a:PASSWORD == 1
      late -s +00:15
  endfamily
endsuite
"""


@pytest.fixture
def seeded(ecflow: EcflowServer) -> EcflowServer:
    ecflow.load_text(SEEDED)
    ecflow.suspend("/s")
    ecflow.begin_all_suites()
    ecflow.alter("/", "add", "variable", f"{M}_SERVER", M)
    return ecflow


@pytest.fixture
def relay(seeded: EcflowServer) -> Iterator[Relay]:
    with Relay(seeded.port) as made:
        yield made


def change(ecflow: EcflowServer, turn: int) -> None:
    """Change every kind of attribute, so that an incremental answer has the marker too."""
    a = "/s/f/a"
    ecflow.alter(a, "change", "variable", "PASSWORD", f"{M}{turn}")
    ecflow.alter(a, "change", "label", f"{M}_label", f"{M} {turn}")
    ecflow.alter(a, "change", "meter", f"{M}_meter", str(10 + turn))
    ecflow.alter(a, "change", "event", f"{M}_event", ("set", "clear")[turn % 2])
    ecflow.alter(a, "change", "limit_value", f"{M}_limit", str(turn % 9))
    ecflow.alter("/", "change", "variable", f"{M}_SERVER", f"{M} {turn}")
    ecflow.force_state(a, ("State.aborted", "State.queued")[turn % 2])


Damage = Callable[[bytes], bytes]
DAMAGE: dict[str, Damage] = {
    "none": lambda reply: reply,
    "cut in half": lambda reply: reply[: len(reply) // 2],
    "cut at a marker": lambda reply: reply[: (reply.find(M.encode()) + 3) or None],
    "an unknown state": lambda reply: reply.replace(b"state:queued", f"state:{M}".encode()),
    "an unknown memento": lambda reply: reply.replace(b"NodeStateMemento", M[:5].encode()),
    "an unknown answer": lambda reply: reply.replace(b"SSyncCmd", f"S{M}Cmd".encode()),
    "a path that is none": lambda reply: re.sub(
        rb'"absNodePath_": "[^"]*"', f'"absNodePath_": "{M}"'.encode(), reply
    ),
    "a name that is none": lambda reply: reply.replace(b" task b", f" task {M}+".encode()),
    "an error": lambda reply: reply.replace(b"GroupSTCCmd", b"ErrorCmd").replace(b"cmdVec_", b"error_msg_"),
    "a page": lambda reply: f"<html>{M}</html>".encode(),
    "statistics of it": lambda reply: re.sub(
        rb'"str_": "(?:[^"\\]|\\.)*"', f'"str_": "   Up since     {M}\\\\n   {M}   {M}"'.encode(), reply
    ),
    "blanks": lambda reply: b" " * len(reply),
}


@pytest.mark.parametrize("reader", ["auto", "protocol"])
@pytest.mark.parametrize("what", DAMAGE)
def test_no_part_of_a_reply_comes_out(
    seeded: EcflowServer, relay: Relay, redis: RedisServer, watchman: Watchman, what: str, reader: str
) -> None:
    entry = {"owner": "o", "repo": "r", "address": relay, "attempts": 1, "deadline": 20, "reader": reader}
    watchman.configure(redis.url, [entry])
    assert watchman.collect().code == 0
    relay.rewrite = lambda _, reply: DAMAGE[what](reply)
    results = []
    for turn, arguments in enumerate(((), ("--log-format", "json", "--reset-sync", "o/r"), ("--dry-run",))):
        change(seeded, turn)
        results.append(watchman.collect("-v", *arguments))
    results += [watchman.run("list"), watchman.run("show", "o/r")]
    said = [text for result in results for text in (result.err, result.text)]
    assert any(M.encode() in exchange.reply for exchange in relay.exchanges) or what == "blanks"
    values: dict[Any, Any] = {key: redis.client.get(key) for key in redis.client.keys("*")}
    for key, value in values.items():
        assert M.encode() not in value, key
    for text in said:
        assert M not in text, text
