"""Attributes from an incremental answer, written as the line that a definition's text would have of them.

Sources: libs/attribute/src/ecflow/attribute/*.cpp, libs/node/src/ecflow/node/*.cpp (`print`, `write`);
fields are those of `serialize` there, and absent where they have their default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple

from watchman_cli.details.dates import DAYS
from watchman_cli.ecflow_client.definition import STATES

Fields = Mapping[str, Any]
NO_NUMBER = (1 << 31) - 1  # of an event that has a name only

ZOMBIES = ("user", "ecf", "ecf_pid", "ecf_passwd", "ecf_pid_passwd", "path")
ZOMBIE_ACTIONS = ("fob", "fail", "adopt", "remove", "block", "kill")
CHILD_COMMANDS = ("init", "event", "meter", "label", "wait", "queue", "abort", "complete")


class Written(NamedTuple):
    """An attribute's line, the word it begins with, and what tells it from the node's others.

    `name` is a variable's or a repeat's, which may be a secret. A key that ends with ` #` is of the end of
    a line alone. An empty line says that the attribute is gone.
    """

    keyword: str
    key: str
    line: str
    name: str = ""


def escaped(text: str) -> str:
    """Return a text as it stands in a line."""
    return text.replace("\n", "\\n")


def with_state(line: str, *state: str) -> str:
    """Return a line with its state, if it has one."""
    words = " ".join(word for word in state if word)
    return f"{line} # {words}" if words else line


def _variable(fields: Fields) -> Iterator[Written]:
    found = fields["var_"]
    yield written_variable(found)


def written_variable(found: Fields) -> Written:
    """Return a variable's line."""
    name = found["n_"]
    return Written("edit", f"edit {name}", f"edit {name} '{escaped(found.get('v_', ''))}'", name)


def _event(fields: Fields) -> Iterator[Written]:
    found = fields["event_"]
    number, name = found.get("number_", NO_NUMBER), found.get("n_", "")
    words = ["event", *([str(number)] if number != NO_NUMBER else []), *([name] if name else [])]
    first, now = bool(found.get("iv_", False)), bool(found.get("v_", False))
    key = " ".join(words)
    line = f"{key} set" if first else key
    yield Written("event", key, with_state(line, "" if first == now else "set" if now else "clear"))


def _meter(fields: Fields) -> Iterator[Written]:
    found = fields["meter_"]
    name, least, value = found["n_"], found.get("min_", 0), found.get("v_", 0)
    line = f"meter {name} {least} {found.get('max_', 0)} {found.get('cc_', 0)}"
    yield Written("meter", f"meter {name}", with_state(line, "" if value == least else str(value)))


def _label(fields: Fields) -> Iterator[Written]:
    found = fields["label_"]
    name, new = found["n_"], found.get("new_v_", "")
    line = f'label {name} "{escaped(found.get("v_", ""))}"'
    yield Written("label", f"label {name}", with_state(line, f'"{escaped(new)}"' if new else ""))


def _limit(fields: Fields) -> Iterator[Written]:
    found = fields["limit_"]
    name, value, paths = found["n_"], found.get("value_", 0), found.get("paths_", ())
    state = [str(value), *paths] if value or paths else []
    yield Written("limit", f"limit {name}", with_state(f"limit {name} {found.get('lim_', 0)}", *state))


def _inlimit(fields: Fields) -> Iterator[Written]:
    found = fields["inlimit_"]
    path, tokens = found.get("path_", ""), found.get("tokens_", 1)
    name = f"{path}:{found['n_']}" if path else found["n_"]
    options = [
        *(["-n"] if found.get("limit_this_node_only_") else []),
        *(["-s"] if found.get("limit_submission_") else []),
    ]
    line = " ".join(["inlimit", *options, name, *([str(tokens)] if tokens != 1 else [])])
    state = "incremented:1" if found.get("incremented_") else ""
    yield Written("inlimit", f"inlimit {name}", with_state(line, state))


def _expression(keyword: str) -> Callable[[Fields], Iterator[Written]]:
    def write(fields: Fields) -> Iterator[Written]:
        found = fields["exp_"]
        state = "free" if found.get("free_") else ""
        options = {1: "-a ", 2: "-o "}
        lines = [
            with_state(f"{keyword} {options.get(part.get('type_', 0), '')}{one_line(part['exp_'])}", state)
            for part in found.get("vec_", ())
        ]
        yield Written(keyword, keyword, "\n".join(lines))

    return write


def one_line(text: str) -> str:
    """Return an expression or a job's id in one line, as the reader of a definition makes it."""
    return text.replace("\n", " ")


def _repeat(fields: Fields) -> Iterator[Written]:
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
    return line.removesuffix(" 1") if found.get("delta_", 1) == 1 else line, value, start


def _words(of: str) -> Callable[[Fields], tuple[str, str, str]]:
    def read(found: Fields) -> tuple[str, str, str]:
        return " ".join(f'"{each}"' for each in found.get(of, ())), str(found.get("currentIndex_", 0)), "0"

    return read


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
    "RepeatEnumerated": _words("theEnums_"),
    "RepeatString": _words("theStrings_"),
    "RepeatDateList": _words("list_"),
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


def _repeat_position(fields: Fields) -> Iterator[Written]:
    yield Written("repeat", "repeat #", str(fields.get("index_or_value_", 0)))


def _queue(fields: Fields) -> Iterator[Written]:
    found = fields["queue_"]
    name = found["name_"]
    line = " ".join(["queue", name, *found.get("theQueue_", ())])
    yield Written("queue", f"queue {name}", with_state(line, *_queue_state(found, "currentIndex_")))


def _queue_position(fields: Fields) -> Iterator[Written]:
    state = " ".join(_queue_state(fields, "index_"))
    yield Written("queue", f"queue {fields['name_']} #", state)


def _queue_state(found: Fields, index: str) -> list[str]:
    return [str(found.get(index, 0)), *(STATES[each] for each in found.get("state_vec_", ()))]


def _time(keyword: str) -> Callable[[Fields], Iterator[Written]]:
    def write(fields: Fields) -> Iterator[Written]:
        found = fields["attr_"]
        series = found.get("ts_", {})
        line = f"{keyword} {_series(series)}"
        yield Written(keyword, line, with_state(line, *_time_state(found, series)))

    return write


def _cron(fields: Fields) -> Iterator[Written]:
    found = fields["attr_"]
    series = found.get("timeSeries_", {})
    last = [f"{day}L" for day in found.get("last_week_days_of_month_", ())]
    lists = {
        "-w": [*found.get("weekDays_", ()), *last],
        "-d": [*found.get("daysOfMonth_", ()), *(["L"] if found.get("last_day_of_month_") else [])],
        "-m": found.get("months_", ()),
    }
    options = [f"{option} {','.join(map(str, listed))}" for option, listed in lists.items() if listed]
    line = " ".join(["cron", *options, _series(series)])
    yield Written("cron", line, with_state(line, *_time_state(found, series)))


def _series(series: Fields) -> str:
    relative = "+" if series.get("relativeToSuiteStart_") else ""
    words = [relative + _slot(series.get("start_", {}))]
    if "finish_" in series and "incr_" in series:
        words += [_slot(series["finish_"]), _slot(series["incr_"])]
    return " ".join(words)


def _slot(found: Fields) -> str:
    return f"{found.get('h_', 0):02}:{found.get('m_', 0):02}"


def _time_state(found: Fields, series: Fields) -> Iterator[str]:
    if found.get("free_"):
        yield "free"
    if not series.get("isValid_", True):
        yield "isValid:false"
    following = series.get("nextTimeSlot_")
    if following and _slot(following) != _slot(series.get("start_", {})):
        yield f"nextTimeSlot/{_slot(following)}"
    relative = series.get("relativeDuration_", {}).get("duration", "00:00:00")
    if relative != "00:00:00":
        yield f"relativeDuration/{relative}"


def _date(fields: Fields) -> Iterator[Written]:
    found = fields["attr_"]
    parts = (found.get(f"{part}_", 0) for part in ("day", "month", "year"))
    line = "date " + ".".join(str(part) if part else "*" for part in parts)
    yield Written("date", line, with_state(line, "free" if found.get("free_") else ""))


def _day(fields: Fields) -> Iterator[Written]:
    found = fields["attr_"]
    line = f"day {DAYS[found.get('day_', 0)]}"
    state = [word for word in ("free", "expired") if found.get(f"{word}_")]
    when = found.get("date_", {}).get("date", "")
    yield Written("day", line, with_state(line, *state, f"date:{when}" if when else ""))


def _late(fields: Fields) -> Iterator[Written]:
    found = fields["late_"]
    plus = {"s": "+", "a": "", "c": "+" if found.get("c_is_rel_") else ""}
    options = [f"-{each} {plus[each]}{_slot(found[f'{each}_'])}" for each in plus if f"{each}_" in found]
    line = " ".join(["late", *options])
    yield Written("late", "late", with_state(line, "late" if found.get("isLate_") else ""))


def _zombie(fields: Fields) -> Iterator[Written]:
    found = fields["attr_"]
    kind = ZOMBIES[found.get("zombie_type_", 0)]
    children = ",".join(CHILD_COMMANDS[each] for each in found.get("child_cmds_", ()))
    action, lifetime = ZOMBIE_ACTIONS[found.get("action_", 0)], found.get("zombie_lifetime_", 0)
    yield Written("zombie", f"zombie {kind}", f"zombie {kind}:{action}:{children}:{lifetime}")


def _verify(fields: Fields) -> Iterator[Written]:
    for found in fields.get("verifys_", ()):
        state, actual = STATES[found.get("state_", 0)], found.get("actual_", 0)
        line = f"verify {state}:{found.get('expected_', 0)}"
        yield Written("verify", f"verify {state}", with_state(line, str(actual) if actual else ""))


def _generic(fields: Fields) -> Iterator[Written]:
    found = fields["generic_"]
    name = found["name_"]
    line = " ".join(["generic", name, *found.get("values_", ())])
    yield Written("generic", f"generic {name}", line)


def _defstatus(fields: Fields) -> Iterator[Written]:
    state = (*STATES, "suspended")[fields.get("state_", 2)]
    yield Written("defstatus", "defstatus", "" if state == "queued" else f"defstatus {state}")


def _calendar(fields: Fields) -> Iterator[Written]:
    found = fields["cal_"]
    begin = _value(found["initTime_"])
    local = _value(found.get("initLocalTime_", found["initTime_"]))
    parts = [
        f"initTime:{begin}",
        f"suiteTime:{_value(found.get('suiteTime_', found['initTime_']))}",
        f"duration:{_value(found.get('duration_', '00:00:00'))}",
        *([f"initLocalTime:{local}"] if local != begin else []),
        f"lastTime:{_value(found.get('lastTime_', found['initTime_']))}",
        f"calendarIncrement:{_value(found.get('increment_', '00:01:00'))}",
    ]
    yield Written("calendar", "calendar", f"calendar {' '.join(parts)}")


def _value(found: Any) -> str:
    """Return a time or a duration, which stands under its type's name."""
    return found if isinstance(found, str) else next(iter(found.values()))


WRITERS: Mapping[str, Callable[[Fields], Iterator[Written]]] = {
    "NodeVariableMemento": _variable,
    "NodeEventMemento": _event,
    "NodeMeterMemento": _meter,
    "NodeLabelMemento": _label,
    "NodeLimitMemento": _limit,
    "NodeInLimitMemento": _inlimit,
    "NodeTriggerMemento": _expression("trigger"),
    "NodeCompleteMemento": _expression("complete"),
    "NodeRepeatMemento": _repeat,
    "NodeRepeatIndexMemento": _repeat_position,
    "NodeQueueMemento": _queue,
    "NodeQueueIndexMemento": _queue_position,
    "NodeTimeMemento": _time("time"),
    "NodeTodayMemento": _time("today"),
    "NodeCronMemento": _cron,
    "NodeDateMemento": _date,
    "NodeDayMemento": _day,
    "NodeLateMemento": _late,
    "NodeZombieMemento": _zombie,
    "NodeVerifyMemento": _verify,
    "NodeGenericMemento": _generic,
    "NodeDefStatusDeltaMemento": _defstatus,
    "SuiteCalendarMemento": _calendar,
}
