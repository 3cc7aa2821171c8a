"""The site of a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.collect.ecflow import answering
from tests.unit.collect.site import Site


@pytest.fixture
def site() -> Iterator[Site]:
    with answering() as (ecflow, port):
        yield Site(ecflow, port)
