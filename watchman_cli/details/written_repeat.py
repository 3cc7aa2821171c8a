"""Repeats from an incremental answer, written as their line in a definition's text.

Sources: libs/attribute/src/ecflow/attribute/RepeatAttr.cpp (`write`, `serialize`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from functools import partial

from watchman_cli.details.written_line import Fields, Written
from watchman_cli.details.written_text import with_state


def write_repeat(fields: Fields) -> Iterator[Written]:
    """Yield a repeat's line."""
    ((kind, found),) = fields.items()
    if kind == "RepeatDay":
        line = f"day {found.get('step_', 1)}"
        yield Written("repeat", "repeat", f"repeat {line}")
        return
    name = found["value0"]["name_"]
    line, position, first = _REPEATS[kind](found)
    word = _REPEAT_WORDS[kind]
    text = with_state(f"repeat {word} {name} {line}", "" if position == first else position)
    yield Written("repeat", "repeat", text, name)


def _range(found: Fields) -> tuple[str, str, str]:
    start, delta = found.get("start_", 0), found.get("delta_", 1)
    return f"{start} {found.get('end_', 0)} {delta}", str(found.get("value_", start)), str(start)


def _integers(found: Fields) -> tuple[str, str, str]:
    line, value, start = _range(found)
    return line.removesuffix(" 1"), value, start  # a step of 1


def _words(key: str, found: Fields) -> tuple[str, str, str]:
    return " ".join(f'"{each}"' for each in found.get(key, ())), str(found.get("currentIndex_", 0)), "0"


def _instants(found: Fields) -> tuple[str, str, str]:
    start, end = _instant(found["start_"]), _instant(found["end_"])
    seconds = _count(found["delta_"]["value0"])
    seconds = seconds // _NANOSECONDS if seconds >= _NANOSECONDS else seconds  # up to 5.13 they are seconds
    step = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{start} {end} {step}", _instant(found.get("value_", found["start_"])), start


def _listed_instants(found: Fields) -> tuple[str, str, str]:
    items = " ".join(f'"{_instant(each)}"' for each in found.get("list_", ()))
    return items, str(found.get("currentIndex_", 0)), "0"


def _instant(found: Fields) -> str:
    return moment_of(_count(found["value0"]["time_since_epoch"]) // _NANOSECONDS)


def _count(found: Fields) -> int:
    count = found.get("count", 0)
    if not isinstance(count, int):
        raise TypeError
    return count


def moment_of(seconds: int) -> str:
    """Return the instant of a repeat that counts in seconds since 1970, as ecFlow writes it."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y%m%dT%H%M%S")


_NANOSECONDS = 10**9
_REPEATS: Mapping[str, Callable[[Fields], tuple[str, str, str]]] = {
    "RepeatDate": _range,
    "RepeatInteger": _integers,
    "RepeatEnumerated": partial(_words, "theEnums_"),
    "RepeatString": partial(_words, "theStrings_"),
    "RepeatDateList": partial(_words, "list_"),
    "RepeatDateTime": _instants,
    "RepeatDateTimeList": _listed_instants,
}
_REPEAT_WORDS = {
    "RepeatDate": "date",
    "RepeatInteger": "integer",
    "RepeatEnumerated": "enumerated",
    "RepeatString": "string",
    "RepeatDateList": "datelist",
    "RepeatDateTime": "datetime",
    "RepeatDateTimeList": "datetimelist",
}


def write_position(fields: Fields) -> Iterator[Written]:
    """Yield the end of a repeat's line, with its position."""
    yield Written("repeat", "repeat #", str(fields.get("index_or_value_", 0)))
