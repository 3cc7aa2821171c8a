"""A server over a real socket that answers like ecflow_server, with the replies of a test."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.faulty_server import Connection, FakeServer
from tests.unit.ecflow_client import replies

HANDLES = replies.member("SClientHandleSuitesCmd", users_=[], client_handles_=[])
SUITE = ("suite s # state:active", "  task t # state:complete", "endsuite")
REFUSED = bytes(replies.reply(replies.member("ErrorCmd", error_msg_="no such command")))
CUT = b"{ }"  # the connection is closed before its end


def full_reply(*lines: str) -> bytes:
    """Return the reply to a full sync, with the statistics and no client handle."""
    text = replies.definition(*lines or SUITE)
    statistics = replies.member("SStringCmd", str_=replies.STATISTICS)
    return bytes(replies.reply(statistics, HANDLES, replies.full(text)))


class Ecflow:
    """The server: `replies` are its next ones, the last one for ever, and `requests` the number so far."""

    def __init__(self) -> None:
        self.replies = [full_reply()]
        self.requests = 0
        self.asked_for: list[list[str]] = []  # the commands of each request
        self.most_at_once = self._now = 0
        self._lock = threading.Lock()
        self.asked = threading.Event()
        self.held = threading.Event()  # set to let the replies go
        self.held.set()

    def behave(self, connection: Connection) -> None:
        client = connection.client
        size = int(client.recv(8), 16)
        body = b""
        while len(body) < size:
            body += client.recv(size - len(body))
        with self._lock:
            self.requests += 1
            self.asked_for.append(commands_in(body))
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        self.asked.set()
        self.held.wait()
        with self._lock:
            self._now -= 1
        connection.forward(b"%8x" % len(reply) + (reply[:-1] if reply is CUT else reply))
        client.close()


def commands_in(body: bytes) -> list[str]:
    """Return the commands of a request in words, such as `sync 5 3`, with the handle if there is one."""
    group = json.loads(body)["21ClientToServerRequest"]["cmd_"]["ptr_wrapper"]["data"]["cmdVec_"]
    found = []
    for data in (each["ptr_wrapper"]["data"] for each in group):
        numbers = f"{data.get('client_state_change_no_')} {data.get('client_modify_change_no_')}"
        handle, api = data.get("client_handle_"), data["api_"]
        if "suites_" in data:
            words = {0: " ".join(["register", *data["suites_"]]), 1: f"drop {handle}", 6: "handles"}[api]
        else:
            words = {10: "stats", 1: f"sync {numbers}" + (f" {handle}" if handle else ""), 2: "full sync"}[
                api
            ]
        found.append(words)
    return found


@contextmanager
def answering() -> Iterator[tuple[Ecflow, int]]:
    """Yield a server and its port."""
    ecflow = Ecflow()
    with FakeServer(ecflow.behave) as server:
        yield ecflow, server.port
        ecflow.held.set()


def changes_reply(*states: tuple[str, int], stats: int = 8) -> bytes:
    """Return the reply to a sync with some nodes' states, by ecFlow's numbers; `stats` grows with each."""
    mementos = [
        (
            path,
            [
                replies.memento(
                    "NodeStateMemento", state_={"first": number, "second": {"duration": "00:01:00"}}
                )
            ],
        )
        for path, number in states
    ]
    delta = replies.delta(*mementos)
    if not states:  # the numbers of the definition in full_reply
        delta |= {"server_state_change_no_": 5, "server_modify_change_no_": 3}
    sync = replies.member("SSyncCmd", incremental_changes_=delta)
    text = replies.STATISTICS.replace("stats cmd                  7", f"stats cmd                  {stats}")
    text = text.replace("group                      9", f"group                      {stats + 2}")
    return bytes(replies.reply(replies.member("SStringCmd", str_=text), HANDLES, sync))
