"""Each kind of attribute from an answer into its line, and the key that tells it from the node's others."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.details.test_changed import TABLE
from watchman_cli.details.merge import key_of
from watchman_cli.details.written import WRITERS


@pytest.mark.parametrize(("name", "fields", "before", "after"), TABLE, ids=[each[0] for each in TABLE])
def test_a_line_and_its_key(name: str, fields: dict[str, Any], before: str, after: str) -> None:
    (found,) = WRITERS[name](fields)
    if not found.key.endswith(" #"):  # the end of a line alone
        assert found.line == after
        assert found.key == key_of(before) == key_of(after)
    assert found.keyword == before.partition(" ")[0]


def lines_of(name: str, fields: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(found.keyword, found.key, found.line) for found in WRITERS[name](fields)]


@pytest.mark.parametrize(
    ("fields", "key", "line"),
    [
        ({"number_": 1}, "event 1", "event 1"),
        ({"n_": "e"}, "event e", "event e"),
        ({"number_": 1, "n_": "e"}, "event 1 e", "event 1 e"),
        ({"n_": "e", "v_": True}, "event e", "event e # set"),
        ({"n_": "e", "iv_": True, "v_": True}, "event e", "event e set"),
        ({"n_": "e", "iv_": True}, "event e", "event e set # clear"),
        ({"number_": 0}, "event 0", "event 0"),
        ({"number_": (1 << 31) - 1, "n_": "e"}, "event e", "event e"),
    ],
)
def test_event(fields: dict[str, Any], key: str, line: str) -> None:
    assert lines_of("NodeEventMemento", {"event_": fields}) == [("event", key, line)]


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"n_": "m"}, "meter m 0 0 0"),
        ({"n_": "m", "max_": 10, "cc_": 8}, "meter m 0 10 8"),
        ({"n_": "m", "min_": 5, "max_": 10, "cc_": 8, "v_": 5}, "meter m 5 10 8"),
        ({"n_": "m", "min_": 5, "max_": 10, "cc_": 8, "v_": 7}, "meter m 5 10 8 # 7"),
        ({"n_": "m", "min_": 5, "max_": 10, "cc_": 8}, "meter m 5 10 8 # 0"),
    ],
)
def test_meter(fields: dict[str, Any], line: str) -> None:
    assert lines_of("NodeMeterMemento", {"meter_": fields}) == [("meter", "meter m", line)]


@pytest.mark.parametrize(
    ("fields", "key", "line"),
    [
        ({"n_": "l"}, "inlimit l", "inlimit l"),
        ({"n_": "l", "path_": "/s"}, "inlimit /s:l", "inlimit /s:l"),
        ({"n_": "l", "tokens_": 2}, "inlimit l", "inlimit l 2"),
        ({"n_": "l", "limit_this_node_only_": True}, "inlimit l", "inlimit -n l"),
        ({"n_": "l", "limit_submission_": True, "tokens_": 3}, "inlimit l", "inlimit -s l 3"),
        ({"n_": "l", "incremented_": True}, "inlimit l", "inlimit l"),
    ],
)
def test_inlimit(fields: dict[str, Any], key: str, line: str) -> None:
    assert lines_of("NodeInLimitMemento", {"inlimit_": fields}) == [("inlimit", key, line)]


@pytest.mark.parametrize(
    ("name", "fields", "written"),
    [
        ("NodeLimitMemento", {"limit_": {"n_": "l"}}, ("limit", "limit l", "limit l 0")),
        ("NodeLimitMemento", {"limit_": {"n_": "l", "lim_": 5, "value_": 2, "paths_": ["/a", "/b"]}},
         ("limit", "limit l", "limit l 5 # 2 /a /b")),
        ("NodeLabelMemento", {"label_": {"n_": "l"}}, ("label", "label l", 'label l ""')),
        ("NodeLabelMemento", {"label_": {"n_": "l", "v_": "a\nb", "new_v_": "c\nd"}},
         ("label", "label l", 'label l "a\\nb" # "c\\nd"')),
        ("NodeVariableMemento", {"var_": {"n_": "V"}}, ("edit", "edit V", "edit V ''")),
        ("NodeQueueMemento", {"queue_": {"name_": "q", "theQueue_": ["a", "b"], "currentIndex_": 1,
                                         "state_vec_": [1, 2]}},
         ("queue", "queue q", "queue q a b # 1 complete queued")),
        ("NodeQueueMemento", {"queue_": {"name_": "q"}}, ("queue", "queue q", "queue q # 0")),
        ("NodeQueueIndexMemento", {"name_": "q", "index_": 1, "state_vec_": [5]},
         ("queue", "queue q #", "1 active")),
        ("NodeQueueIndexMemento", {"name_": "q"}, ("queue", "queue q #", "0")),
        ("NodeZombieMemento", {"attr_": {}}, ("zombie", "zombie user", "zombie user:fob::0")),
        ("NodeZombieMemento", {"attr_": {"zombie_type_": 5, "action_": 2, "child_cmds_": [0, 7],
                                         "zombie_lifetime_": 60}},
         ("zombie", "zombie path", "zombie path:adopt:init,complete:60")),
        ("NodeGenericMemento", {"generic_": {"name_": "g", "values_": ["a", "b"]}},
         ("generic", "generic g", "generic g a b")),
        ("NodeGenericMemento", {"generic_": {"name_": "g"}}, ("generic", "generic g", "generic g")),
        ("NodeDefStatusDeltaMemento", {"state_": 1}, ("defstatus", "defstatus", "defstatus complete")),
        ("NodeDefStatusDeltaMemento", {"state_": 6}, ("defstatus", "defstatus", "defstatus suspended")),
        ("NodeDefStatusDeltaMemento", {}, ("defstatus", "defstatus", "")),
        ("NodeTriggerMemento", {"exp_": {"vec_": [{"exp_": "a\nb"}, {"exp_": "c", "type_": 1},
                                                  {"exp_": "d", "type_": 2}], "free_": True}},
         ("trigger", "trigger", "trigger a b # free\ntrigger -a c # free\ntrigger -o d # free")),
        ("NodeCompleteMemento", {"exp_": {"vec_": [{"exp_": "a"}]}}, ("complete", "complete", "complete a")),
        ("NodeTriggerMemento", {"exp_": {}}, ("trigger", "trigger", "")),
    ],
)  # fmt: skip
def test_other_attributes(name: str, fields: dict[str, Any], written: tuple[str, str, str]) -> None:
    assert lines_of(name, fields) == [written]


def test_each_verify_is_a_line() -> None:
    found = lines_of(
        "NodeVerifyMemento", {"verifys_": [{"state_": 1, "expected_": 2, "actual_": 3}, {"state_": 3}]}
    )
    assert found == [
        ("verify", "verify complete", "verify complete:2 # 3"),
        ("verify", "verify aborted", "verify aborted:0"),
    ]
