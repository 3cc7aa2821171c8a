"""Fixtures: the ecFlow of each Debian release."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.ecflow_server import EcflowServer
from tests.support.release import Release, releases

# For what `make test` does with this machine's own.
OTHERS = [release for release in releases() if release.root]


def by_name(release: Release) -> str:
    return release.name


def existing(release: Release) -> Release:
    """Return the release; the test fails, and is never skipped, where its root is missing."""
    if release.root and not release.root.is_dir():
        raise RuntimeError(f"{release.root} is missing: `make test-releases` makes it")
    return release


@pytest.fixture(params=releases(), ids=by_name)
def release(request: pytest.FixtureRequest) -> Release:
    """Return each release in turn."""
    return existing(request.param)


@pytest.fixture(params=OTHERS, ids=by_name)
def other_release(request: pytest.FixtureRequest) -> Release:
    """Return each release in turn but this machine's own."""
    return existing(request.param)


@pytest.fixture
def release_server(ecflow_server: Callable[..., EcflowServer], release: Release) -> EcflowServer:
    """Return a started server of the release."""
    return ecflow_server(release=release)
