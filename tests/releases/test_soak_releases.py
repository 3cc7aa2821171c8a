"""The soak with the server and the bindings of each release, all its suites and some."""

from __future__ import annotations

import random

import pytest

from tests.soak.soak import SOAK_SECONDS, SOME_SUITES, soak_for
from tests.support.release import Release

SECONDS = SOAK_SECONDS / 6  # of each


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 120)
@pytest.mark.parametrize("suites", [(), SOME_SUITES], ids=["all", "some suites"])
def test_incremental_equals_full(
    release: Release, suites: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    soak = soak_for(SECONDS, seed, suites=suites, release=release)
    with capsys.disabled():
        print(f"\n{release.name}: {soak.told()}", end=" ", flush=True)
