"""The verdict about known vulnerabilities: found, none found, or not audited."""

from __future__ import annotations

import json

from tests.audit import judge

CLEAN = {"name": "redis", "version": "5.0", "vulns": []}
SKIPPED = {"name": "typer", "skip_reason": "Dependency not found"}
FLAWED = {
    "name": "jinja2", "version": "3.1", "vulns": [
        {"id": "CVE-1", "fix_versions": ["3.1.4", "3.2"]}, {"id": "CVE-2", "fix_versions": []},
    ],
}  # fmt: skip


def test_vulnerabilities_are_named_and_fail() -> None:
    lines, passed = judge(json.dumps({"dependencies": [CLEAN, FLAWED, SKIPPED]}))
    assert (passed, lines) == (
        False,
        [
            "jinja2 3.1: CVE-1, fixed in ['3.1.4', '3.2']",
            "jinja2 3.1: CVE-2, fixed in no version",
            "2 of 3 packages were audited: 2 known vulnerabilities",
        ],
    )


def test_packages_that_the_service_does_not_know_are_counted() -> None:
    assert judge(json.dumps({"dependencies": [CLEAN, SKIPPED]})) == (
        ["1 of 2 packages were audited: 0 known vulnerabilities"],
        True,
    )


def test_without_a_report_nothing_is_claimed() -> None:
    for report in ("", "Traceback", "[]", "{}", json.dumps({"dependencies": [SKIPPED]})):
        lines, passed = judge(report)
        assert passed and lines[0].startswith("Not audited")
