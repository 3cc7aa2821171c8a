"""Each kind of change into the line that a full reading would have of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.unit.details.definitions import ALL, Kept, base_of, mementos
from watchman_cli.details.changed import NotKept, changed_parts, decode
from watchman_cli.details.node import Node
from watchman_cli.details.policy import Policy

SUITE = "suite s # begun:1 state:queued"
CALENDAR = "calendar initTime:2026-Nov-24 00:00:00 suiteTime:2026-Nov-24 00:00:00 duration:00:00:00"
NODE = (
    "task t # try:1 state:queued dur:00:00:01",
    "edit V '1'", "label l \"first\"", "meter m 0 10 8", "event 1 ready", "event done set", "limit lim 3",
    "inlimit /s:lim", "trigger a == complete", "trigger -o b == complete", "complete c == complete",
    "queue q a b # 1 complete queued", "time 10:00", "time 10:00", "today 03:00", "cron -w 0,1 10:00",
    "date 1.*.*", "day monday", "late -s +00:10", "zombie user:fob::3000", "verify complete:2",
    "generic g one", "defstatus complete", "autocancel +10",
)  # fmt: skip

TABLE: list[tuple[str, dict[str, Any], str, str]] = [
    ("NodeVariableMemento", {"var_": {"n_": "V", "v_": "a\nb"}}, "edit V '1'", "edit V 'a\\nb'"),
    ("NodeVariableMemento", {"var_": {"n_": "V"}}, "edit V '1'", "edit V ''"),
    ("NodeLabelMemento", {"label_": {"n_": "l", "v_": "first", "new_v_": 'a "b"\nc'}}, 'label l "first"',
     'label l "first" # "a "b"\\nc"'),
    ("NodeMeterMemento", {"meter_": {"min_": 0, "max_": 10, "v_": 7, "n_": "m", "cc_": 8}}, "meter m 0 10 8",
     "meter m 0 10 8 # 7"),
    ("NodeEventMemento", {"event_": {"n_": "ready", "number_": 1, "v_": True}}, "event 1 ready",
     "event 1 ready # set"),
    ("NodeEventMemento", {"event_": {"n_": "done", "iv_": True}}, "event done set", "event done set # clear"),
    ("NodeLimitMemento", {"limit_": {"n_": "lim", "lim_": 3, "value_": 2, "paths_": ["/s/t", "/s/u"]}},
     "limit lim 3", "limit lim 3 # 2 /s/t /s/u"),
    ("NodeInLimitMemento", {"inlimit_": {"n_": "lim", "path_": "/s", "tokens_": 2, "incremented_": True}},
     "inlimit /s:lim", "inlimit /s:lim 2"),
    ("NodeCompleteMemento", {"exp_": {"vec_": [{"exp_": "c == \nqueued"}], "free_": True}},
     "complete c == complete", "complete c ==  queued # free"),
    ("NodeQueueIndexMemento", {"name_": "q", "index_": 2, "state_vec_": [1, 3]},
     "queue q a b # 1 complete queued", "queue q a b # 2 complete aborted"),
    ("NodeQueueMemento", {"queue_": {"theQueue_": ["x"], "state_vec_": [2], "name_": "q"}},
     "queue q a b # 1 complete queued", "queue q x # 0 queued"),
    ("NodeTodayMemento", {"attr_": {"ts_": {"start_": {"h_": 3}, "isValid_": False}, "free_": True}},
     "today 03:00", "today 03:00 # free isValid:false"),
    ("NodeCronMemento", {"attr_": {"timeSeries_": {"start_": {"h_": 10}, "isValid_": False},
     "weekDays_": [0, 1]}}, "cron -w 0,1 10:00", "cron -w 0,1 10:00 # isValid:false"),
    ("NodeDateMemento", {"attr_": {"day_": 1, "free_": True}}, "date 1.*.*", "date 1.*.* # free"),
    ("NodeDayMemento", {"attr_": {"day_": 1, "expired_": True, "date_": {"date": "2026-Nov-30"}}},
     "day monday", "day monday # expired date:2026-Nov-30"),
    ("NodeLateMemento", {"late_": {"s_": {"m_": 10}, "isLate_": True}}, "late -s +00:10",
     "late -s +00:10 # late"),
    ("NodeZombieMemento", {"attr_": {"child_cmds_": [0, 6], "action_": 3, "zombie_lifetime_": 60}},
     "zombie user:fob::3000", "zombie user:remove:init,abort:60"),
    ("NodeVerifyMemento", {"verifys_": [{"state_": 1, "expected_": 2, "actual_": 1}]}, "verify complete:2",
     "verify complete:2 # 1"),
    ("NodeGenericMemento", {"generic_": {"name_": "g", "values_": ["a", "b"]}}, "generic g one",
     "generic g a b"),
    ("NodeDefStatusDeltaMemento", {"state_": 6}, "defstatus complete", "defstatus suspended"),
]  # fmt: skip


def kept(*node: str) -> Kept:
    return Kept(base_of(SUITE, CALENDAR, *(node or NODE), "endsuite"))


def node(kept: Kept, path: str = "/s/t") -> Node:
    found = kept.tree().node(path)
    assert found
    return found


@pytest.mark.parametrize(("name", "fields", "before", "after"), TABLE, ids=[each[0] for each in TABLE])
def test_a_changed_attribute(name: str, fields: dict[str, Any], before: str, after: str) -> None:
    store = kept()
    store.change(mementos("/s/t", (name, fields)))
    assert list(node(store).lines) == [after if line == before else line for line in NODE[1:]]


def test_a_defstatus_of_queued_has_no_line() -> None:
    store = kept()
    store.change(mementos("/s/t", ("NodeDefStatusDeltaMemento", {"state_": 2})))
    assert list(node(store).lines) == [line for line in NODE[1:] if not line.startswith("defstatus")]


def test_a_trigger_of_several_parts_is_replaced_as_a_whole() -> None:
    store = kept()
    parts = [{"exp_": "x"}, {"exp_": "y", "type_": 1}, {"exp_": "z", "type_": 2}]
    store.change(mementos("/s/t", ("NodeTriggerMemento", {"exp_": {"vec_": parts}})))
    triggers = [line for line in node(store).lines if line.startswith("trigger")]
    assert triggers == ["trigger x", "trigger -a y", "trigger -o z"]


REPEATS = [
    ("repeat date D 20260101 20260105 1", "20260103", " # 20260103"),
    ("repeat date D 20260101 20260105 1 # 20260104", "20260101", ""),
    ("repeat integer I 0 10 2 # 4", "6", " # 6"),
    ('repeat enumerated E "a # 1" "b"', "1", " # 1"),
    ('repeat string S "a # 1" "b" # 1', "0", ""),
    ('repeat datelist L "20260101" "20260201"', "1", " # 1"),
    ("repeat datetime T 20260101T000000 20260103T000000 06:00:00", "1767247200", " # 20260101T060000"),
    ("repeat datetime T 20260101T000000 20260103T000000 06:00:00 # 20260102T000000", "1767225600", ""),
    ("repeat day 1", "1", " # 1"),
]


@pytest.mark.parametrize(("line", "value", "suffix"), REPEATS)
def test_a_repeats_value_comes_without_its_name(line: str, value: str, suffix: str) -> None:
    store = kept("task t", line)
    store.change(mementos("/s/t", ("NodeRepeatIndexMemento", {"index_or_value_": int(value)})))
    text = line if line.endswith('"') else line.rpartition(" # ")[0] or line
    assert list(node(store).lines) == [text + suffix]


def repeat(kind: str, number: int = 100, **fields: Any) -> tuple[str, dict[str, Any]]:
    type_ = {"polymorphic_id": 0x80000000 | number, "polymorphic_name": kind}
    return "NodeRepeatMemento", {"repeat_": {"type_": {**type_, "ptr_wrapper": {"data": fields}}}}


def instant(seconds: int) -> dict[str, Any]:
    return {"value0": {"time_since_epoch": {"count": seconds * 10**9}}}


@pytest.mark.parametrize(
    ("kind", "fields", "line"),
    [
        ("RepeatDate", {"start_": 20260101, "end_": 20260105, "delta_": 1, "value_": 20260102},
         "repeat date R 20260101 20260105 1 # 20260102"),
        ("RepeatInteger", {"start_": 0, "end_": 9, "delta_": 1, "value_": 0}, "repeat integer R 0 9"),
        ("RepeatInteger", {"start_": 0, "end_": 9, "delta_": 3, "value_": 3}, "repeat integer R 0 9 3 # 3"),
        ("RepeatEnumerated", {"theEnums_": ["a", "b"], "currentIndex_": 1},
         'repeat enumerated R "a" "b" # 1'),
        ("RepeatString", {"theStrings_": ["a", "b"], "currentIndex_": 0}, 'repeat string R "a" "b"'),
        ("RepeatDateList", {"list_": [20260101, 20260301]}, 'repeat datelist R "20260101" "20260301"'),
        ("RepeatDateTime", {"start_": instant(1767225600), "end_": instant(1767398400),
         "delta_": {"value0": {"count": 21600 * 10**9}}, "value_": instant(1767247200)},
         "repeat datetime R 20260101T000000 20260103T000000 06:00:00 # 20260101T060000"),
        ("RepeatDateTimeList", {"list_": [instant(1767225600)], "currentIndex_": 0},
         'repeat datetimelist R "20260101T000000"'),
    ],
)  # fmt: skip
def test_a_new_repeat(kind: str, fields: dict[str, Any], line: str) -> None:
    store = kept("task t", "repeat integer I 0 10 2 # 4")
    store.change(mementos("/s/t", ("NodeRepeatIndexMemento", {"index_or_value_": 8})))
    store.change(mementos("/s/t", repeat(kind, value0={"name_": "R"}, **fields)))
    assert list(node(store).lines) == [line]


def test_a_day_of_a_repeat_has_no_name() -> None:
    store = kept("task t")
    store.change(mementos("/s/t", repeat("RepeatDay", value0={"name_": "day"}, step_=2), clear=True))
    assert list(node(store).lines) == ["repeat day 2"]


def test_of_equal_times_each_takes_its_own_change() -> None:
    store = kept("task t", "time 10:00", "edit V ''", "time 10:00")
    false = {"attr_": {"ts_": {"start_": {"h_": 10}, "isValid_": False}}}
    true = {"attr_": {"ts_": {"start_": {"h_": 10}}}}
    store.change(mementos("/s/t", ("NodeTimeMemento", true), ("NodeTimeMemento", false)))
    assert list(node(store).lines) == ["time 10:00", "edit V ''", "time 10:00 # isValid:false"]


def test_attributes_that_were_cleared_are_gone_but_those_that_stay() -> None:
    store = kept()
    store.change(mementos("/s/t", ("NodeVariableMemento", {"var_": {"n_": "V", "v_": "2"}})))
    fresh: list[tuple[str, dict[str, Any]]] = [
        ("NodeVariableMemento", {"var_": {"n_": "NEW", "v_": "1"}}),
        ("NodeTimeMemento", {"attr_": {"ts_": {"start_": {"h_": 11}}}}),
        ("NodeTimeMemento", {"attr_": {"ts_": {"start_": {"h_": 11}}}}),
    ]
    store.change(mementos("/s/t", *fresh, clear=True))
    stays = ["verify complete:2", "defstatus complete", "autocancel +10"]
    assert list(node(store).lines) == [*stays, "edit NEW '1'", "time 11:00", "time 11:00"]
    store.change(mementos("/s/t", ("NodeVariableMemento", {"var_": {"n_": "NEW", "v_": "3"}})))
    assert list(node(store).lines) == [*stays, "edit NEW '3'", "time 11:00", "time 11:00"]
    store.change(mementos("/s/t", clear=True))
    assert list(node(store).lines) == stays


def test_the_parts_of_a_nodes_own_line() -> None:
    store = kept("task t # passwd:WORD rid:17 try:1 state:active dur:00:00:01 flag:late")
    assert (node(store).job_id, node(store).status) == ("17", "active")
    submittable = {"paswd_": "WORD", "rid_": "18 state:complete", "abr_": "no\nspace", "tryNo_": 2}
    store.change(mementos(
        "/s/t",
        ("SubmittableMemento", submittable),
        ("NodeStateMemento", {"state_": {"first": 3, "second": {"duration": "00:00:09"}}}),
        ("SuspendedMemento", {"suspended_": True}),
        ("FlagMemento", {"flag_": {"flag_": 4 | 1 << 13}}),
    ))  # fmt: skip
    found = node(store)
    assert (found.state, found.status, found.suspended) == ("aborted", "suspended", True)
    assert (found.job_id, found.try_number, found.reason) == ("18 state:complete", 2, "no\nspace")
    assert found.flags == ("task_aborted", "zombie")
    assert "dur:00:00:09" in found.tokens
    store.change(mementos("/s/t", ("SuspendedMemento", {}), ("FlagMemento", {"flag_": {}})))
    assert (node(store).status, node(store).flags) == ("aborted", ())
    store.change(mementos("/s/t", ("SubmittableMemento", {}), ("NodeStateMemento", {"state_": {}})))
    found = node(store)
    assert (found.job_id, found.try_number, found.reason, found.state) == ("", 0, "", "unknown")


def test_the_state_below_a_suspended_node() -> None:
    store = kept("task t # state:aborted suspended:1")
    assert (node(store).state, node(store).status) == ("aborted", "suspended")
    store.change(mementos("/s/t", ("NodeStateMemento", {"state_": {"first": 1}})))
    assert (node(store).state, node(store).status) == ("complete", "suspended")


def test_the_calendar_of_a_suite() -> None:
    store = kept()
    calendar = {
        "initTime_": {"ptime": "2026-Nov-25 00:00:00"},
        "suiteTime_": {"ptime": "2026-Nov-25 01:02:00"},
        "duration_": {"duration": "01:02:00"},
    }
    store.change(mementos("/s", ("SuiteCalendarMemento", {"cal_": calendar}), ("SuiteBeginDeltaMemento", {})))
    suite = node(store, "/s")
    assert suite.calendar == ("2026-Nov-25 00:00:00", "2026-Nov-25 01:02:00", "01:02:00")
    assert "begun" not in suite.tokens


def test_the_servers_own() -> None:
    store = Kept(base_of("edit A '1'", "edit ECF_HOME '/h' # server", SUITE, "endsuite"))
    server = store.tree().server
    assert (server.state, server.variables) == ("RUNNING", {"A": "1", "ECF_HOME": "/h"})
    store.change(mementos(
        "/",
        ("ServerVariableMemento", {"serverEnv_": [{"n_": "B", "v_": "2"}, {"n_": "ECF_HOME", "v_": "/i"}]}),
        ("ServerStateMemento", {}),
        ("FlagMemento", {"flag_": {"flag_": 256}}),
    ))  # fmt: skip
    server = store.tree().server
    assert (server.state, server.flags) == ("HALTED", ("message",))
    assert server.variables == {"B": "2", "ECF_HOME": "/i"}


def test_a_kind_that_details_do_not_have_is_said() -> None:
    with pytest.raises(NotKept, match="NodeAvisoMemento"):
        changed_parts(mementos("/s/t", ("NodeAvisoMemento", {})), ALL, ())


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("NodeVariableMemento", {}),
        ("NodeVerifyMemento", {"verifys_": [{"state_": 9}]}),
        ("NodeDayMemento", {"attr_": 5}),
        repeat("RepeatNew", value0={"name_": "R"}),
    ],
)
def test_a_change_that_is_not_understood_is_said(name: str, fields: Mapping[str, Any]) -> None:
    with pytest.raises(NotKept):
        changed_parts(mementos("/s/t", (name, fields)), ALL, ())


def test_message_about_a_damaged_change_has_nothing_of_it() -> None:
    with pytest.raises(NotKept, match=r"^a change that is not understood$"):
        changed_parts(mementos("/s/t", ("NodeVariableMemento", {})), ALL, ())


def test_two_changes_of_a_node_in_one_answer_are_both_kept() -> None:
    def variable(name: str) -> tuple[str, dict[str, Any]]:
        return "NodeVariableMemento", {"var_": {"n_": name, "v_": "x"}}

    found = changed_parts((*mementos("/s/t", variable("V")), *mementos("/s/t", variable("W"))), ALL, ())
    assert found.nodes == {"/s/t": {"edit V": "edit V 'x'", "edit W": "edit W 'x'"}}


def test_repeat_that_becomes_a_secret_hides_its_later_values() -> None:
    secret, plain = (repeat("RepeatString", value0={"name_": name}) for name in ("MY_TOKEN", "STEP"))
    position = ("NodeRepeatIndexMemento", {"index_or_value_": 7})
    hidden = changed_parts(mementos("/s/t", secret), ALL, ())
    assert hidden.hidden_repeats == {"/s/t"}
    assert changed_parts(mementos("/s/t", position), ALL, hidden.hidden_repeats).nodes == {}
    shown = changed_parts(mementos("/s/t", plain), ALL, hidden.hidden_repeats)
    assert shown.hidden_repeats == set()
    assert changed_parts(mementos("/s/t", position), ALL, shown.hidden_repeats).nodes


def test_secret_variable_is_masked() -> None:
    found = changed_parts(
        mementos("/s/t", ("NodeVariableMemento", {"var_": {"n_": "KEY", "v_": "x"}})), ALL, ()
    )
    assert found.nodes == {"/s/t": {"edit KEY": "edit KEY '***'"}}


def test_node_that_is_cleared_has_no_secret_repeat() -> None:
    found = changed_parts(mementos("/s/t", clear=True), ALL, ["/s/t", "/s/u"])
    assert found.hidden_repeats == {"/s/u"}
    assert found.nodes["/s/t"]["cleared"] == "1"


def test_each_of_equal_times_has_its_own_key() -> None:
    time = ("NodeTimeMemento", {"attr_": {"ts_": {"start_": {"h_": 10}}}})
    found = changed_parts(mementos("/s/t", time, time, time), ALL, ())
    assert list(found.nodes["/s/t"]) == ["time 10:00", "time 10:00 (2)", "time 10:00 (3)"]


def test_parts_that_are_absent_have_their_defaults() -> None:
    found = changed_parts(
        mementos("/s/t", ("NodeStateMemento", {"state_": {}}), ("SubmittableMemento", {})), ALL, ()
    )
    assert found.nodes == {"/s/t": {"state": "unknown", "dur": "00:00:00", "rid": "", "abort": "", "try": ""}}
    assert changed_parts(mementos("/", ("ServerVariableMemento", {})), ALL, ()).nodes == {
        "/": {"variables": ""}
    }


def test_variables_of_the_server_are_of_their_kind() -> None:
    change = mementos("/", ("ServerVariableMemento", {"serverEnv_": [{"n_": "V", "v_": "x"}]}))
    assert changed_parts(change, Policy(["variables"]), ()).nodes == {"/": {"variables": "edit V 'x'"}}
    assert changed_parts(change, Policy(["labels"]), ()).nodes == {}


def test_kinds_that_are_not_wanted_are_not_kept() -> None:
    policy = Policy(["labels"])
    found = changed_parts(
        mementos(
            "/s/t",
            ("NodeLabelMemento", {"label_": {"n_": "l", "v_": "x"}}),
            ("NodeVariableMemento", {"var_": {"n_": "V", "v_": "x"}}),
            ("SubmittableMemento", {"rid_": "17", "abr_": "why", "tryNo_": 2}),
        ),
        policy,
        (),
    )
    assert found.nodes == {"/s/t": {"label l": 'label l "x"', "try": "2"}}


@pytest.mark.parametrize("value", [b"[]", b"{", b'{"a": 1}', b"\xff"])
def test_what_is_no_change_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError, match=r"^it is damaged$"):
        decode(value)
