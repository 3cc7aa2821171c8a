"""The names of the package: those that most runs do not need are imported when they are first used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from watchman_cli import snapshot

LOADED = (
    "import sys; from watchman_cli import snapshot; {}; print('watchman_cli.snapshot.search' in sys.modules)"
)


def test_every_exported_name_is_there() -> None:
    assert sorted(snapshot.__all__) == sorted(set(snapshot.__all__))
    assert all(getattr(snapshot, name).__name__ == name for name in snapshot._MODULES if not name.isupper())
    assert all(hasattr(snapshot, name) for name in snapshot.__all__)


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match=r"^module 'watchman_cli.snapshot' has no attribute 'none'$"):
        snapshot.none  # noqa: B018


@pytest.mark.parametrize(("use", "loaded"), [("snapshot.prove", "False"), ("snapshot.decode", "True")])
def test_searches_are_imported_when_they_are_first_used(use: str, loaded: str) -> None:
    process = subprocess.run(
        [sys.executable, "-c", LOADED.format(use)], check=True, capture_output=True, text=True
    )
    assert process.stdout.strip() == loaded
