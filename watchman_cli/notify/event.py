"""An event as receivers get it: CloudEvents 1.0 in JSON."""

from __future__ import annotations

import orjson

from watchman_cli.causes.model import Event

CONTENT_TYPE = "application/cloudevents+json"


def encode_event(server: str, event: Event) -> bytes:
    """Return the event of the server `server` in one line of JSON, the same however often it is delivered."""
    document = {
        "specversion": "1.0",
        "type": "watchman.causes",
        "source": server,
        "id": event.id,
        "time": event.time,
        "data": {
            "began": [cause.as_json() for cause in event.began],
            "ended": [each.as_event() for each in event.ended],
        },
    }
    return orjson.dumps(document)
