"""The page's template: its filters, and its style and script, which the page allows by their hashes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from watchman_cli.duration import format_lasting
from watchman_cli.output.format import format_age, format_counts
from watchman_cli.snapshot import StatusRecord
from watchman_cli.text import printable

SCRIPTS = ("ages.js", "nodes.js", "tree.js", "place.js", "page.js")  # one script in the page
NOTES_SCRIPT, NOTES_STYLE = "notes.js", "notes.css"  # only in a page that has notes
_FOLDER = Path(__file__).parent


def fill(content: Mapping[str, Any]) -> str:
    """Return the page with this content. Text is escaped; the style and the script are the project's own."""
    noted = bool(content["notes"])
    style = _read("style.css") + (_read(NOTES_STYLE) if noted else "")
    script = "".join(map(_read, (*SCRIPTS, NOTES_SCRIPT) if noted else SCRIPTS))
    environment = Environment(
        loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {
        "counts": _counts,
        "before": _before,
        "lasting": _lasting,
        "printable": printable,
        "utc": _utc,
    }
    return environment.get_template("page.html.j2").render(
        **content,
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


def _read(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _counts(counts: Mapping[str, int]) -> str:
    return format_counts(counts, False)


def _before(moment: datetime, time: datetime) -> str:
    """Return the age of something when the page was made, for a reader without script."""
    age = (time - moment).total_seconds()
    return format_age(age) if age < 0 else f"{format_age(age)} before this page"


def _lasting(record: StatusRecord, time: datetime) -> str:
    """Return how long a node had its status at `time`, in words, or an empty string if that is unknown."""
    seconds = record.seconds_until(time)
    return "" if seconds is None else format_lasting(seconds)


def _utc(time: datetime) -> str:
    return f"{time.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S} UTC"
