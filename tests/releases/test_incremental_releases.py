"""The tests of incremental syncs, with the server and the bindings of each other release."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.conftest import loaded, relay
from tests.integration.incremental.conftest import watched
from tests.integration.incremental.test_aliases import *  # noqa: F403
from tests.integration.incremental.test_costs import *  # noqa: F403
from tests.integration.incremental.test_restarts import *  # noqa: F403
from tests.integration.incremental.test_several_lines import *  # noqa: F403
from tests.integration.incremental.test_suites import *  # noqa: F403
from tests.support.ecflow_server import EcflowServer
from tests.support.release import Release

__all__ = ["loaded", "relay", "watched"]


@pytest.fixture
def ecflow_server(
    ecflow_server: Callable[..., EcflowServer], other_release: Release
) -> Callable[..., EcflowServer]:
    """Return a function that starts a server of the release; every fixture above has its server from it."""

    def start(**options: Any) -> EcflowServer:
        return ecflow_server(release=other_release, **options)

    return start
