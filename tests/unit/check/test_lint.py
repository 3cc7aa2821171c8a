"""From what lint finds to one state and its reasons."""

from __future__ import annotations

import pytest

from tests.support.stored_servers import FAILING, IDLE, status
from watchman_cli.check import Assessment, State
from watchman_cli.check.lint import LONGEST, assess_lint
from watchman_cli.errors import NoDetails, StoreError, WatchmanError
from watchman_cli.waits.lint import Finding, FindingKind


def assessed(*kinds: FindingKind, most: int = 20, text: str = "text") -> Assessment:
    findings = [Finding(f"/s/{number}", kind, "e", text) for number, kind in enumerate(kinds)]
    return assess_lint(status(IDLE), 180, most, lambda _: findings)


def test_nothing_is_found() -> None:
    found = assessed()
    assert (found.state, found.summary) == (State.OK, "lint finds nothing")
    assert [(each.name, each.value) for each in found.measures] == [("findings", 0), ("ends_server", 0)]


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("ends-server", State.CRITICAL),
        ("never", State.WARNING),
        ("unreadable", State.WARNING),
        ("dead-reference", State.WARNING),
    ],
)
def test_the_state_of_each_kind(kind: FindingKind, state: State) -> None:
    found = assessed(kind)
    (problem,) = found.problems
    assert (found.state, problem.text, problem.lines) == (state, f"1 {kind}", (f"/s/0: {kind}: text",))


def test_the_worst_comes_first() -> None:
    found = assessed("dead-reference", "ends-server", "dead-reference")
    assert found.state is State.CRITICAL
    assert [each.text for each in found.problems] == ["1 ends-server", "2 dead-reference"]
    assert [each.value for each in found.measures] == [3, 1]


def test_many_findings_are_cut() -> None:
    counts: dict[FindingKind, int] = {"dead-reference": 30, "ends-server": 4, "never": 2}
    kinds = [kind for kind, count in counts.items() for _ in range(count)]
    found = assessed(*kinds, most=6, text="x" * 500)
    lines = {each.text: each.lines for each in found.problems}
    assert [len(each) for each in lines.values()] == [4, 2, 1]
    assert lines["30 dead-reference"] == ("and 30 more: dead-reference",)
    assert max(len(each) for some in lines.values() for each in some) == LONGEST


@pytest.mark.parametrize("error", [NoDetails("no details"), StoreError("no store")])
def test_what_cannot_be_told_is_unknown(error: WatchmanError) -> None:
    def fail(_: str) -> list[Finding]:
        raise error

    found = assess_lint(status(IDLE), 180, 20, fail)
    assert (found.state, found.problems[0].text) == (State.UNKNOWN, str(error))


def test_an_old_snapshot_proves_nothing() -> None:
    assert assess_lint(status(IDLE, age=181), 180, 20, lambda _: []).state is State.UNKNOWN
    assert assess_lint(status(IDLE, age=181, health=FAILING), 180, 20, lambda _: []).state is State.CRITICAL
    assert assess_lint(status(None), 180, 20, lambda _: []).state is State.UNKNOWN
