"""Each failure has a line of its own, to which the runbook leads."""

from __future__ import annotations

from tests.docs.pages import ROOT
from tests.faults.rows import listed

PAGE = (ROOT / "docs" / "failures.md").read_text()


def test_each_line_has_an_anchor_of_its_own() -> None:
    anchors = [row.anchor(group) for group, row in listed()]
    assert len(set(anchors)) == len(anchors)
    for anchor in anchors:
        assert PAGE.count(f'<a id="{anchor}"></a>') == 1
