"""Attributes from an incremental answer, written as the line that a definition's text would have of them.

Sources: libs/attribute/src/ecflow/attribute/*.cpp, libs/node/src/ecflow/node/*.cpp (`print`, `write`);
fields are those of `serialize` there, and absent where they have their default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from watchman_cli.details.written_line import Fields, Written
from watchman_cli.details.written_repeat import write_position, write_repeat
from watchman_cli.details.written_text import escaped, one_line, with_state
from watchman_cli.details.written_time import (
    write_calendar,
    write_cron,
    write_date,
    write_day,
    write_late,
    write_time,
)
from watchman_cli.ecflow_client.node_state import STATES

NO_NUMBER = (1 << 31) - 1  # of an event that has a name only

ZOMBIES = ("user", "ecf", "ecf_pid", "ecf_passwd", "ecf_pid_passwd", "path")
ZOMBIE_ACTIONS = ("fob", "fail", "adopt", "remove", "block", "kill")
CHILD_COMMANDS = ("init", "event", "meter", "label", "wait", "queue", "abort", "complete")


def _variable(fields: Fields) -> Iterator[Written]:
    found = fields["var_"]
    yield written_variable(found)


def written_variable(found: Fields) -> Written:
    """Return a variable's line."""
    name = found["n_"]
    return Written("edit", f"edit {name}", f"edit {name} '{escaped(found.get('v_', ''))}'", name)


def _event(fields: Fields) -> Iterator[Written]:
    found = fields["event_"]
    number, name = found.get("number_", NO_NUMBER), found.get("n_")
    words = ["event", *([str(number)] if number != NO_NUMBER else []), *([name] if name else [])]
    first, now = bool(found.get("iv_")), bool(found.get("v_"))
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
    yield Written("inlimit", f"inlimit {name}", line)


def _expression(keyword: str, fields: Fields) -> Iterator[Written]:
    found = fields["exp_"]
    state = "free" if found.get("free_") else ""
    options = {1: "-a ", 2: "-o "}
    lines = [
        with_state(f"{keyword} {options.get(part.get('type_'), '')}{one_line(part['exp_'])}", state)
        for part in found.get("vec_", ())
    ]
    yield Written(keyword, keyword, "\n".join(lines))


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


WRITERS: Mapping[str, Callable[[Fields], Iterator[Written]]] = {
    "NodeVariableMemento": _variable,
    "NodeEventMemento": _event,
    "NodeMeterMemento": _meter,
    "NodeLabelMemento": _label,
    "NodeLimitMemento": _limit,
    "NodeInLimitMemento": _inlimit,
    "NodeTriggerMemento": partial(_expression, "trigger"),
    "NodeCompleteMemento": partial(_expression, "complete"),
    "NodeRepeatMemento": write_repeat,
    "NodeRepeatIndexMemento": write_position,
    "NodeQueueMemento": _queue,
    "NodeQueueIndexMemento": _queue_position,
    "NodeTimeMemento": partial(write_time, "time"),
    "NodeTodayMemento": partial(write_time, "today"),
    "NodeCronMemento": write_cron,
    "NodeDateMemento": write_date,
    "NodeDayMemento": write_day,
    "NodeLateMemento": write_late,
    "NodeZombieMemento": _zombie,
    "NodeVerifyMemento": _verify,
    "NodeGenericMemento": _generic,
    "NodeDefStatusDeltaMemento": _defstatus,
    "SuiteCalendarMemento": write_calendar,
}
