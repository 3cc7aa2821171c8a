"""Causes that are silenced."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from tests.unit.causes.examples import AT_ONCE, FAILING, HALTED, MISSED, NODE
from watchman_cli.errors import StoreError
from watchman_cli.silences import Silence, with_silence
from watchman_cli.silences.quiet import rules_for
from watchman_cli.store.memory import MemoryStore

NOW = datetime.now(timezone.utc)
LATER, EARLIER = NOW + timedelta(hours=1), NOW - timedelta(hours=1)
ALL = (NODE, MISSED, HALTED, FAILING)


def silenced_by(silence: Silence, *, stored: bool, name: str = "o/r") -> list[str]:
    store = MemoryStore()
    if stored:
        store.change_silences(name, lambda value: with_silence(value, silence, EARLIER))
    rules = rules_for(AT_ONCE, store.silences, () if stored else (silence,), name)
    return [cause.kind for cause in ALL if rules.is_silenced(cause)]


def test_stored_and_configured_silences_hold() -> None:
    for stored in (True, False):
        whole = Silence("o/r", LATER, who="op@h", because="upgrade")
        assert silenced_by(whole, stored=stored) == ["aborted", "missed", "halted", "failing"]
        below = whole._replace(path="/s/t")
        assert silenced_by(below, stored=stored) == ["aborted"]
    assert silenced_by(Silence("x/*", LATER, because="b"), stored=False) == []


def test_silence_ends_by_itself() -> None:
    for stored in (True, False):
        assert silenced_by(Silence("o/r", EARLIER + timedelta(minutes=1), because="b"), stored=stored) == []


def test_silences_are_read_only_if_a_cause_would_be_told() -> None:
    class Unread(MemoryStore):
        def silences(self, name: str) -> bytes:
            raise AssertionError("the silences are read")

    rules_for(AT_ONCE, Unread().silences, (), "o/r")


def test_causes_are_told_if_the_silences_cannot_be_read() -> None:
    class Failing(MemoryStore):
        def silences(self, name: str) -> bytes:
            raise StoreError("unreachable")

    rules = rules_for(AT_ONCE, Failing().silences, (), "o/r")
    assert not rules.is_silenced(NODE)
    configured = rules_for(AT_ONCE, Failing().silences, (Silence("o/r", LATER, because="b"),), "o/r")
    assert configured.is_silenced(NODE)
