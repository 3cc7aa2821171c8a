"""Which expressions end a server as soon as they are read."""

from __future__ import annotations

import pytest

from watchman_cli.waits.parse import parse
from watchman_cli.waits.syntax import ends_server_when_parsed


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("a:V + 1 == 6 == 1", True),
        ("b == complete and 1 + 1 == 2 == 1", True),
        ("not (1 + 1 == 2 == 1)", True),
        ("a:V == 5 == 1", False),  # it ends the server when it is evaluated
        ("a == complete and a:V + 1 and a == complete", True),
        ("a == complete and not a:V + 1 and a == complete", True),
        ("a == complete and a == complete and (a:V + 1)", True),
        ("a == complete and a:V + 1", False),
        ("a == complete or a:V + 1 or a == complete", False),
        ("(a == complete) and (a:V + 1) and (a == complete)", False),
        ("a == complete and a:V + 1 == 6 and a == complete", False),
        ("a == complete and a:V and a == complete", False),
    ],
)
def test_a_text_that_ends_the_server(text: str, ends: bool) -> None:
    assert ends_server_when_parsed(parse(text)) is ends
