"""Random triggers are worth the same to the bindings of each release."""

from __future__ import annotations

from tests.integration.waits.test_truth import SUITES
from tests.support.random_triggers import RandomSuite
from tests.support.release import Release
from tests.support.truth import bindings_truth, differences


def test_random_suites(other_release: Release) -> None:
    for seed in range(SUITES):
        text = RandomSuite(seed).text
        assert list(differences(text, bindings_truth(other_release, text))) == [], f"seed {seed}"
