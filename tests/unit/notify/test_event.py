"""An event as receivers get it."""

from __future__ import annotations

import orjson

from tests.unit.causes.examples import ENDED, HALTED, NODE, text
from watchman_cli.causes.model import Event
from watchman_cli.notify.event import encode_event


def test_event_is_a_cloud_event() -> None:
    event = Event("id1", text(), (HALTED,), (ENDED,), ("webhook",))
    encoded = encode_event("o/r", event)
    assert orjson.loads(encoded) == {
        "specversion": "1.0",
        "type": "watchman.causes",
        "source": "o/r",
        "id": "id1",
        "time": text(),
        "data": {
            "began": [{"kind": "halted", "cause": "halted", "since": HALTED.since, "text": "server HALTED"}],
            "ended": [
                {
                    "kind": "aborted",
                    "cause": "/s/t",
                    "since": NODE.since,
                    "until": text(),
                    "text": "/s/t aborted",
                }
            ],
        },
    }
    assert encode_event("o/r", event._replace(to=("command",))) == encoded
    assert b"\n" not in encoded


def test_both_lists_are_there() -> None:
    empty = orjson.loads(encode_event("o/r", Event("id1", text(), (), (), ())))
    assert empty["data"] == {"began": [], "ended": []}
