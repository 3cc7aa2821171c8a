"""Fixtures: a server that has been read once, in full."""

from __future__ import annotations

import pytest

from tests.support.watched import Watched


@pytest.fixture
def watched(loaded: Watched) -> Watched:
    found = loaded.collect()
    assert (found["mode"], found["requests"]) == ("full", 1)
    loaded.taken()
    return loaded
