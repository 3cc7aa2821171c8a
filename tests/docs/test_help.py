"""The command line explains itself, and the documentation names no option that it does not have."""

from __future__ import annotations

import re

from typer.main import get_command

from tests.docs.pages import FENCE, PAGES
from watchman_cli.cli.main import app

OF_OTHERS = {
    "--ch",
    "--get",
    "--help",
    "--http",
    "--plug",
    "--strict",
}  # of click, mypy and ecFlow's own client


def test_every_option_is_explained_in_a_sentence_and_no_other_is_documented() -> None:
    found = set()
    commands = [get_command(app)]
    for command in commands:
        commands += getattr(command, "commands", {}).values()
        for option in (each for each in command.params if each.param_type_name == "option"):
            found.update(option.opts)
            if option.name != "help":
                explained = getattr(option, "help", "") or ""
                assert explained[:1].isupper() and explained.endswith("."), option.opts
    texts = [FENCE.sub("", page.read_text()) for page in PAGES]
    named = {name for text in texts for name in re.findall(r"`(?:watchman [a-z ]+)?(--[a-z-]+)", text)}
    assert named - OF_OTHERS <= found
