"""A message that is found in a log leads to its line in the table of failures."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT
from tests.faults.rows import listed

PAGE = (ROOT / "docs" / "failures.md").read_text()


def test_each_line_has_an_anchor_of_its_own() -> None:
    anchors = [row.anchor(group) for group, row in listed()]
    assert len(set(anchors)) == len(anchors)
    for anchor in anchors:
        assert PAGE.count(f'<a id="{anchor}"></a>') == 1


def test_each_message_leads_to_every_line_that_has_it() -> None:
    head = "| message | found in | failure |"
    lines = PAGE[PAGE.index(head) :].partition("\n\n")[0].splitlines()[2:]
    links = [
        (line.split(" | ")[0][2:], each) for line in lines for each in re.findall(r"\(#([\w-]+)\)", line)
    ]
    rows = [(row.message, row.anchor(group)) for group, row in listed() if row.expected_message]
    assert sorted(links) == sorted(rows)
