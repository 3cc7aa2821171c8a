"""The soak for a while, on servers whose starts have the same PID and on others."""

from __future__ import annotations

import pytest

from tests.conftest import SHARED, require_namespace
from tests.soak.soak import SAME_PID, SOAK_SECONDS, SOME_SUITES, soak_for
from tests.support.seeds import new_seed

DEFINITIONS = tuple(str(path) for path in sorted((SHARED / "defs").glob("*.def")))


@pytest.mark.slow
@pytest.mark.timeout(SOAK_SECONDS + 120)
@pytest.mark.parametrize("suites", [(), SOME_SUITES], ids=["all", "some suites"])
@pytest.mark.parametrize("prefix", [(), SAME_PID], ids=["another PID", "the same PID"])
def test_incremental_equals_full(
    prefix: tuple[str, ...], suites: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    if prefix:
        require_namespace("--pid", "--fork")
    seed = new_seed()
    soak = soak_for(SOAK_SECONDS / 4, seed, prefix=prefix, definitions=DEFINITIONS, suites=suites)
    with capsys.disabled():
        print(f"\n{soak.summary()}", end=" ", flush=True)
