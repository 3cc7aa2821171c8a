"""An expression's worth in words."""

from __future__ import annotations

import pytest

from tests.unit.waits.test_evaluate import worth
from watchman_cli.waits.words import describe_truth, missing_terms


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("b == queued", "b == queued holds"),
        ("a == complete", "a == complete does not hold: a is suspended"),
        ("ghost == complete", "ghost == complete does not hold: ghost names nothing"),
        ("b == queued and a == complete", "a == complete does not hold: a is suspended"),
        ("1 == 2", "1 == 2 does not hold"),
        ("not b == queued", "not b == queued does not hold: b is queued"),
        ("../f:SECRET_KEY == 5", "../f:SECRET_KEY == 5 is unknown: it depends on a value that is masked"),
    ],
)
def test_words(text: str, words: str) -> None:
    assert describe_truth(worth(text)) == words


def test_only_what_makes_it_false_is_named() -> None:
    truth = worth("b == queued and (a == complete or t == queued) and not b == queued")
    assert [each.expression for each in missing_terms(truth)] == [
        "a == complete",
        "t == queued",
        "not b == queued",
    ]
