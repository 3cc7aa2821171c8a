"""The causes that one run tells."""

from __future__ import annotations

from tests.unit.causes.examples import NODE, OTHER, at, text, told
from watchman_cli.causes.model import Rules
from watchman_cli.causes.notices import advance
from watchman_cli.health import Health
from watchman_cli.health.causes import new_causes


def test_causes_that_begin_and_end_between_two_records() -> None:
    before = told(NODE)
    after = advance(before, [OTHER], at(60), Rules(0))
    began, ended = new_causes(Health(notices=before), Health(notices=after))
    assert began == (OTHER.as_json(),)
    assert ended == ({**NODE.as_json(), "until": text(60)},)


def test_nothing_new() -> None:
    assert new_causes(Health(notices=told(NODE)), Health(notices=told(NODE))) == ((), ())
    assert new_causes(Health(notices=told(NODE)), Health()) == ((), ())
    assert new_causes(Health(), Health(notices=told(NODE))) == ((NODE.as_json(),), ())
