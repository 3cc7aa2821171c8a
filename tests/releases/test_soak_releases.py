"""The soak with the server and the bindings of each other release, all its suites and some."""

from __future__ import annotations

import pytest

from tests.soak.soak import SOAK_SECONDS, SOME_SUITES, soak_for
from tests.support.release import Release
from tests.support.seeds import new_seed

SECONDS = SOAK_SECONDS / 4  # of each


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 120)
@pytest.mark.parametrize("suites", [(), SOME_SUITES], ids=["all", "some suites"])
def test_incremental_equals_full(
    other_release: Release, suites: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    seed = new_seed()
    soak = soak_for(SECONDS, seed, suites=suites, release=other_release)
    with capsys.disabled():
        print(f"\n{other_release.name}: {soak.summary()}", end=" ", flush=True)
