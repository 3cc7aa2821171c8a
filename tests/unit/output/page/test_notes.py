"""What the page has to say of single nodes: bounded, printable, and only if details are kept."""

from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.stored_servers import NOW, status
from tests.unit.details.definitions import Kept, base_of
from watchman_cli.deadlines import DeadlineState, Matches
from watchman_cli.details.policy import Policy
from watchman_cli.output.page import notes, render
from watchman_cli.output.page.notes import FEW, Line, Notes, choose, join_notes, make_notes
from watchman_cli.snapshot import Snapshot, StatusRecord

HOSTILE = "</dd></script><script>marked=1</script>|\u202e\x1b[31m"
LINES = (
    "suite s # begun:1 state:aborted",
    "task a # try:2 rid:4711 abort<:no disk>abort state:aborted", 'label info "first" # "step 5"',
    "task b # state:queued", "trigger a == complete",
    "task c # state:complete", 'label done "yes"',
    "endsuite",
)  # fmt: skip
STATUSES = {"/": "aborted", "/s": "aborted", "/s/a": "aborted", "/s/b": "queued", "/s/c": "complete"}
SNAPSHOT = Snapshot(NOW, "RUNNING", [StatusRecord(path, word) for path, word in STATUSES.items()])


def noted(*lines: str, most: int = 500, policy: Policy | None = None, left: int = 99) -> Notes:
    """Return the notes of these lines; time is over after `left` nodes."""
    policy = policy or Policy()
    looks = iter([False] * left)
    tree = Kept(base_of(*lines, policy=policy), policy).tree()
    return make_notes(tree, SNAPSHOT, most, lambda: next(looks, True))


def test_each_node_that_is_not_complete_has_what_it_needs() -> None:
    assert noted(*LINES) == {
        "/s/a": [
            Line("aborted", "no disk"),
            Line("try", "2"),
            Line("job", "4711"),
            Line("output", "/s/a.2"),
            Line("label", "info: step 5"),
        ],
        "/s": [Line("in the end", "/s/a is aborted")],
        "/s/b": [
            Line("waits for", "trigger: a == complete does not hold: a is aborted"),
            Line("in the end", "/s/a is aborted"),
        ],
    }


def test_the_worst_come_first_and_tasks_before_their_families() -> None:
    assert choose(SNAPSHOT.records, 2) == ["/s/a", "/s"]
    assert choose(SNAPSHOT.records, 9) == ["/s/a", "/s", "/s/b"]
    assert list(noted(*LINES, most=1)) == list(noted(*LINES, left=1)) == ["/s/a"]


def test_the_nodes_of_missed_deadlines_come_before_all_others() -> None:
    assert choose(SNAPSHOT.records, 2, {"/s/b", "/s/c", "/none"}) == ["/s/b", "/s/a"]


def test_many_nodes_have_the_reasons_of_their_aborts_the_most_frequent_first() -> None:
    disk, trap = [Line("try", "1"), Line("aborted", "no disk")], [Line("aborted", "trap")]
    assert join_notes([trap, disk, disk, ()]) == [
        Line("aborted", "2 of 4: no disk"),
        Line("aborted", "1 of 4: trap"),
    ]
    assert join_notes([]) == join_notes([(), [Line("label", "x: y")]]) == []
    many = join_notes([[Line("aborted", f"{number}" * 300)] for number in range(9)])
    assert many[-1] == Line("aborted", "and 4 more") and len(many) == FEW + 1
    assert all(len(line.text) <= notes.TEXT for line in many)


def test_nothing_is_claimed_without_the_kinds_that_it_needs() -> None:
    found = noted(*LINES, policy=Policy(["labels", "triggers"]))
    assert list(found) == ["/s/a"] and found["/s/a"][-1] == Line("label", "info: step 5")


def test_a_note_is_bounded() -> None:
    labels = [f'label l{number} "{"x" * 10_000}"' for number in range(100)]
    (note,) = noted("suite s # state:aborted", "task a # state:aborted", *labels, "endsuite", most=1).values()
    assert len(note) == notes.FEW + 1 and note[-1] == Line("label", "and 95 more")
    assert max(len(line.text) for line in note) == notes.TEXT


def test_a_long_chain_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notes, "FOLLOWED", 1)
    assert noted(*LINES)["/s/b"][-1].text.startswith("the chain is longer than 1 nodes")


def test_text_from_outside_is_escaped_on_the_page() -> None:
    stored = status(list(SNAPSHOT.records))
    plain = render([stored], NOW + timedelta(seconds=9))
    assert render([stored], NOW + timedelta(seconds=9), {}) == plain
    assert "note" not in re.sub(r"<(no)?script.*?</(no)?script>", "", plain, flags=re.S)
    lines = (*LINES[:2], f'label info "{HOSTILE}"', *LINES[3:])
    page = render([stored], NOW + timedelta(seconds=9), {"o/r": noted(*lines)})
    assert "<script>marked" not in page and "\u202e" not in page and "\x1b" not in page
    assert page.count("&lt;/dd&gt;") == 2  # in the cause, and in the tree for a browser without script
    data = re.search(r'id="notes">([^<]*)<', page)
    assert data
    document = json.loads(zlib.decompress(base64.b64decode(data[1])))
    assert sorted(document["notes"]) == ["1", "2", "3"]
    assert document["notes"]["2"][0] == ["aborted", "no disk"]


def test_a_server_s_notes_are_its_own() -> None:
    stored = status(list(SNAPSHOT.records))
    assert render([stored], NOW, {"o/other": noted(*LINES)}) == render([stored], NOW)


def test_a_missed_deadline_and_a_line_of_many_nodes_have_notes() -> None:
    tasks = [StatusRecord(f"/s/t{number}", "aborted") for number in range(11)]
    stored = status([StatusRecord("/", "aborted"), StatusRecord("/s", "aborted"), *tasks])
    reasons: Notes = {task.path: [Line("aborted", "no disk")] for task in tasks}
    page = render([stored], NOW + timedelta(seconds=9), {"o/r": reasons})
    joined, _, _ = page.partition('<section aria-labelledby="servers">')
    assert "<dd><bdi>11 of 11: no disk</bdi></dd>" in joined

    due = NOW - timedelta(hours=1)
    missed = DeadlineState("/s/b complete by 06:00", due, "missed", "other", NOW, Matches(1, 1), misses=1)
    stored = status(list(SNAPSHOT.records))
    stored = replace(stored, health=stored.health._replace(deadlines=(missed,)))
    page = render([stored], NOW + timedelta(seconds=9), {"o/r": noted(*LINES)})
    line = next(line for line in page.splitlines() if "/s/b complete by 06:00" in line and "<li" in line)
    assert 'data-node="3"' in line and "trigger: a == complete does not hold: a is aborted" in line
