"""The script for zsh: it registers the function, and answers the Tab at which zsh loads it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.unit.cli.test_help import AS_WATCHMAN
from watchman_cli.cli.zsh import is_script_wanted


@pytest.mark.parametrize(
    ("arguments", "environment", "wanted"),
    [
        (["--install-completion"], {}, True),
        (["--show-completion"], {}, True),
        ([], {"_WATCHMAN_COMPLETE": "source_zsh"}, True),
        (["collect"], {"_WATCHMAN_COMPLETE": "complete_zsh"}, False),
        (["collect"], {}, False),
    ],
)
def test_when_a_script_is_wanted(arguments: list[str], environment: dict[str, str], wanted: bool) -> None:
    assert is_script_wanted(arguments, environment) is wanted


def test_script_registers_and_answers() -> None:
    command = [sys.executable, "-c", AS_WATCHMAN]
    environment = {**os.environ, "_WATCHMAN_COMPLETE": "source_zsh", "HOME": os.devnull}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    *_, register, answer = done.stdout.strip().splitlines()
    assert register == "compdef _watchman_completion watchman"
    assert "loadautofunc" in answer and '_watchman_completion "$@"' in answer
