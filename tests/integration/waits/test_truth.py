"""Random triggers are worth here what they are worth to ecFlow's bindings, and stop the same nodes.

Left out on purpose: a sum that begins with a name of nothing, whose sign ecFlow gets wrong up to 5.13; a
freed trigger of one word, which ECMWF's client forgets; `(not :NAME)`, which is the name of a node called
`not` up to 5.13; texts that end a server.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.random_triggers import RandomSuite
from tests.support.release import HERE
from tests.support.truth import bindings_truth, differences

SUITES = 40


def test_random_suites() -> None:
    for seed in range(SUITES):
        text = RandomSuite(seed).text
        assert list(differences(text, bindings_truth(HERE, text))) == [], f"seed {seed}"


@pytest.mark.shared
def test_definitions_with_their_truth(shared: Path) -> None:
    for file in sorted((shared / "defs-why").glob("*.def")):
        text = file.read_text()
        assert list(differences(text, bindings_truth(HERE, text))) == [], file.name
