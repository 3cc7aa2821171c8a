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
