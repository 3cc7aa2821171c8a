"""Fixtures: the ecFlow of each Debian release."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.ecflow_server import EcflowServer
from tests.support.release import Release, releases


def by_name(release: Release) -> str:
    return release.name


@pytest.fixture(params=releases(), ids=by_name)
def release(request: pytest.FixtureRequest) -> Release:
    """Return each release in turn; the test fails, and is never skipped, where its root is missing."""
    found: Release = request.param
    if found.root and not found.root.is_dir():
        raise RuntimeError(f"{found.root} is missing: `make test-releases` makes it")
    return found


@pytest.fixture
def release_server(ecflow_server: Callable[..., EcflowServer], release: Release) -> EcflowServer:
    """Return a started server of the release."""
    return ecflow_server(release=release)
