"""Each message that an operator can see has an entry in the runbook, which says what to do."""

from __future__ import annotations

import re
import ssl

import pytest
from redis import exceptions

from tests.docs.pages import ROOT
from tests.faults.case import message_anchor
from tests.faults.rows import listed
from tests.faults.runbook import Entry, entries
from tests.unit.ecflow_client.test_errors import ERRORS
from watchman_cli import schema
from watchman_cli.collect.result import describe as describe_of_server
from watchman_cli.collect.result import unexpected
from watchman_cli.ecflow_client import EcflowError, errors
from watchman_cli.store.redis.errors import KeepsChanging, RedisTooOld, describe, no_master

PAGE = (ROOT / "docs" / "runbook.md").read_text()
# These are never raised themselves.
BASES = {errors.EcflowError, errors.CertificateRefused}
# Another message stands in their place: the one that names the time.
REPLACED: dict[type[EcflowError], str] = {errors.NoAnswer: "no answer from HOST:PORT within N s"}
# Their messages say what was not understood, or name the settings to change: an entry has the usual one.
FREE: dict[type[EcflowError], str] = {
    errors.WrongProtocol: "the server speaks ssl, not tcp: set `protocol: ssl`",
    errors.OtherName: "the server's certificate is not for the host 127.0.0.1: "
    "set `host` to a name that it has",
    errors.Redirected: "an HTTP server redirects to another address: set `protocol: https`, `port: 8443`",
    errors.OutOfResources: "this machine or its limits (ulimit) allow no more: "
    "not enough memory for the server's reply",
    errors.NotUnderstood: "the server's reply cannot be understood",
    errors.NotEcflow: "what answers there does not speak ecFlow's protocol",
    errors.HandshakeFailed: "the TLS handshake failed",
    errors.TreeUnproved: "a job's id, a trigger or a complete has several lines, "
    "and the server's definition does not show where it ends",
    errors.TooSlow: "by the deadline of N s: the reply came after N s, was worked on for N s, and waited N s "
    "for other large replies; raise `deadline` if its size is right",
}
untrusted = ssl.SSLCertVerificationError("no")
untrusted.verify_message = "certificate has expired"
REDIS = [
    exceptions.NoPermissionError("no"),
    KeepsChanging("o/r/lock"),
    exceptions.AuthenticationError("no"),
    exceptions.AuthorizationError("no"),
    exceptions.ReadOnlyError("no"),
    exceptions.OutOfMemoryError("no"),
    RedisTooOld("no"),
    exceptions.BusyLoadingError("no"),
    exceptions.TimeoutError("no"),
    exceptions.ConnectionError("Connection refused"),
    exceptions.ClusterDownError("no"),
    exceptions.ResponseError("unknown command"),
    ConnectionRefusedError(111, "Connection refused"),
    untrusted,
]


def entry_of(text: str) -> Entry | None:
    """Return the entry whose message is in a text, or None; its numbers and names can be others."""
    for entry in entries():
        pattern = re.sub(r"HOST:PORT|NAME|\bN\b|\b[0-9]+\b", "\0", entry.message.partition(";")[0].strip())
        if re.search(re.escape(pattern).replace("\0", r"\S+"), text):
            return entry
    return None


def test_each_entry_is_on_the_page_once_and_says_what_to_do() -> None:
    anchors = [entry.anchor for entry in entries()]
    assert len(set(anchors)) == len(anchors)
    for entry in entries():
        assert PAGE.count(f'<a id="{entry.anchor}"></a>') == 1
        assert entry.do.endswith((".", ").")) and all(entry.means)


def test_each_failure_leads_to_its_entry_and_back() -> None:
    failures = (ROOT / "docs" / "failures.md").read_text()
    for group, row in listed():
        if row.expected_message:
            assert f"](runbook.md#{message_anchor(row.expected_message)})" in failures
            (entry,) = [each for each in entries() if each.message == row.expected_message]
            assert any(f"failures.md#{row.anchor(group)})" in each for each in entry.means)


@pytest.mark.parametrize("error", [error for error, *_ in ERRORS], ids=lambda error: type(error).__name__)
def test_each_exception_of_the_client_has_an_entry(error: EcflowError) -> None:
    kind = type(error)
    if kind in BASES:
        return
    own = [entry for entry in entries() if kind.__name__ in entry.errors]
    if usual := FREE.get(kind) or REPLACED.get(kind):
        own = [entry for entry in entries() if entry.message == usual]
    found = own[0] if own else entry_of(describe_of_server(error))
    assert found, f"{error} has no entry in tests/faults/runbook.yaml"
    if found.kinds:
        assert error.kind in found.kinds


def test_each_named_exception_exists() -> None:
    for name in (name for entry in entries() for name in entry.errors):
        assert issubclass(getattr(errors, name), EcflowError)


def test_each_kind_of_a_failure_has_an_entry() -> None:
    error = schema.load("health")["properties"]["error"]["anyOf"][1]
    kinds = {kind["const"] for kind in error["properties"]["kind"]["oneOf"]}
    assert {kind for entry in entries() for kind in entry.kinds} == kinds


@pytest.mark.parametrize("error", REDIS, ids=lambda error: type(error).__name__)
def test_each_failure_of_redis_has_an_entry(error: Exception) -> None:
    message, _ = describe(error, "no answer in 5 s", follows_master=False)
    found = entry_of(message.replace("in 5 s", "in N s"))
    assert found and found.group == "store", message


def test_a_bug_and_an_unknown_service_have_entries() -> None:
    assert entry_of(str(no_master("mymaster")))
    assert entry_of(str(unexpected(KeyError("x"))))
