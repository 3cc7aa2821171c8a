"""The attempts at a server: retries, and the reason of a full reading."""

from __future__ import annotations

from pathlib import Path

from tests.unit.collect.ecflow import CUT, full_reply
from tests.unit.collect.scenarios import server
from tests.unit.collect.site import NAME, Site
from watchman_cli.collect.attempts import access_of, policy_of
from watchman_cli.ecflow_client import Access
from watchman_cli.errors import ServerError


def test_access_of_a_server() -> None:
    assert access_of(server()) == Access("h", 3141, "tcp")
    options = {"user": "fred", "password": "x", "certificate": Path("/c"), "tokens": Path("/t")}
    found = access_of(server(protocol="https", **options))
    assert (found.protocol, found.user, found.password) == ("https", "fred", "x")
    assert (found.certificate, found.tokens) == ("/c", "/t")


def test_the_details_that_are_kept() -> None:
    policy = policy_of(server(details=True, detail_kinds=("labels",), secret_names=("FTP",)))
    assert policy.keeps("label") and not policy.keeps("meter")
    assert policy.is_secret("ftp_user") and policy.is_secret("TOKEN") and not policy.is_secret("HOST")


def test_a_transient_failure_is_retried_in_full(site: Site) -> None:
    site.ecflow.replies = [CUT, full_reply()]
    outcome = site.run()
    assert (outcome.result, outcome.attempts, site.ecflow.requests) == ("written", 2, 2)


def test_a_server_that_always_fails_is_asked_as_often_as_configured(site: Site) -> None:
    site.ecflow.replies = [CUT]
    outcome = site.run()
    assert (outcome.result, outcome.attempts, site.ecflow.requests) == ("failed", 2, 2)
    assert isinstance(outcome.error, ServerError) and outcome.error.kind == "reset"


def test_without_a_sync_cache_every_run_reads_in_full(site: Site) -> None:
    site.sync_cache = "off"
    site.run()
    assert site.store.value(NAME, "sync") is None
    outcome = site.run()
    assert outcome.reading and outcome.reading.reason == "sync_cache is off"
