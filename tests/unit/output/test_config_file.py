"""A configuration that is written: what it says is what was put into it, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.test_text import HOSTILE
from watchman_cli.config.convert import crontab_word
from watchman_cli.output.config_file import render_config

TEXTS = st.text(st.characters(codec="utf-8")) | st.text(st.sampled_from("\r\n\x85\u2028 #:-{}\"'\\a"))
VALUES = (
    TEXTS | st.integers() | st.booleans() | st.none() | st.sampled_from(["yes", "NULL", "1:30", "0x1", "~"])
)
READERS = [yaml.SafeLoader, yaml.CSafeLoader]
Reader = type[yaml.SafeLoader] | type[yaml.CSafeLoader]


@pytest.mark.parametrize("reader", READERS)
@given(TEXTS, st.lists(st.tuples(VALUES, TEXTS), max_size=3))
@example("file:///\U0001f600", [("\U0001f600\x7f", HOSTILE), ("on", "\r  - {owner: x}\recflow_python: /x")])
def test_values_are_read_back_and_comments_are_not(
    reader: Reader, store: str, servers: list[tuple[Any, str]]
) -> None:
    entries = [{"owner": value, "host": "h"} for value, _ in servers]
    text = render_config(store, entries, [comment for _, comment in servers])
    assert yaml.load(text, Loader=reader) == {"store": store, "servers": entries or None}
    assert all(line.isprintable() for line in text.split("\n"))


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/etc/watchman.yaml", "/etc/watchman.yaml"),
        ("/a b.yaml", "'/a b.yaml'"),
        ("/$(id)%.yaml", r"'/$(id)\%.yaml'"),
    ],
)
def test_a_path_in_a_crontab_is_one_word(path: str, word: str) -> None:
    assert crontab_word(str(Path(path))) == word
