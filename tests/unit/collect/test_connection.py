"""Whether servers answer: one request to each, and never two at once to one address."""

from __future__ import annotations

from tests.unit.collect.ecflow import REFUSED
from tests.unit.collect.site import Site
from watchman_cli.collect.connection import try_connections
from watchman_cli.ecflow_client import RequestRefused


def test_a_server_that_answers(site: Site) -> None:
    (found,) = try_connections([site.server()], jobs=1)
    assert found.error is None and found.seconds > 0
    assert found.statistics and found.statistics.instance
    assert found.statistics.instance.version == "5.9.2"
    assert site.ecflow.requests == 1


def test_a_server_that_refuses(site: Site) -> None:
    site.ecflow.replies = [REFUSED]
    (found,) = try_connections([site.server()], jobs=1)
    assert isinstance(found.error, RequestRefused)
    assert found.statistics is None


def test_connections_come_in_the_order_of_the_servers(site: Site) -> None:
    servers = [site.server(f"r{number}") for number in range(5)]
    found = list(try_connections(servers, jobs=4))
    assert [each.server for each in found] == servers
    assert site.ecflow.most_at_once == 1
