"""How hypothesis searches: at random with `--fuzz-seed`, and through the same examples in every other run."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase

KEPT = ".hypothesis"  # the directory of the examples that failed; the next search tries them first

# Without a deadline of an example: a machine may be busy.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile(
    "fuzz", deadline=None, max_examples=200, print_blob=True, database=DirectoryBasedExampleDatabase(KEPT)
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fuzz-seed", type=int, metavar="N", help="search at random, as the seed N has it")


def pytest_configure(config: pytest.Config) -> None:
    """Choose before tests are imported: their settings are made of the profile."""
    settings.load_profile("same" if config.getoption("--fuzz-seed") is None else "fuzz")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give the seed to each test. Hypothesis's own ways to do so keep no example that fails."""
    seed = config.getoption("--fuzz-seed")
    for item in items if seed is not None else ():
        test = getattr(item, "obj", None)
        if hasattr(test, "hypothesis"):
            vars(getattr(test, "__func__", test))["_hypothesis_internal_use_seed"] = seed
