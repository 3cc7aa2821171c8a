"""The names of the package, each of which is imported when it is first used: few runs ask the bindings."""

from __future__ import annotations

import subprocess
import sys

import pytest

from watchman_cli import bindings

LOADED = """
import sys
from watchman_cli import bindings
{}
print(*(name for name in ("failures", "referee") if f"watchman_cli.bindings.{{name}}" in sys.modules))
"""


def test_every_exported_name_is_there() -> None:
    assert [getattr(bindings, name).__name__ for name in bindings.__all__] == bindings.__all__


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match=r"^module 'watchman_cli.bindings' has no attribute 'none'$"):
        bindings.none  # noqa: B018


@pytest.mark.parametrize(
    ("use", "loaded"),
    [("", ""), ("bindings.BindingsFailed", "failures"), ("bindings.Referee", "failures referee")],
)
def test_name_is_imported_when_it_is_first_used(use: str, loaded: str) -> None:
    process = subprocess.run(
        [sys.executable, "-c", LOADED.format(use)], check=True, capture_output=True, text=True
    )
    assert process.stdout.strip() == loaded
