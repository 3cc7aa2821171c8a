"""A configuration of the older ecflow-watchman, converted."""

from __future__ import annotations

import pytest

from watchman_cli.config.convert import convert, crontab_lines


def test_the_olders_sample() -> None:
    """Its conf/sample.config.yaml, filled in."""
    old = {
        "global": {"scrape_interval": "20s", "scrape_timeout": "10s"},
        "scrape_configs": [
            {"job_name": "job", "owner": "nwp_xp", "repo": "nwpc_op", "host": "login01", "port": "3141"},
            {"job_name": "job", "owner": "o", "repo": "r", "host": "h", "port": 1, "connect_timeout": 3},
        ],
        "sink_config": {"type": "redis", "url": "127.0.0.1:6379"},
        "other": 1,
    }
    document, interval, notes = convert(old)
    assert document == {
        "store": "redis://127.0.0.1:6379/0",
        "servers": [
            {"owner": "nwp_xp", "repo": "nwpc_op", "host": "login01", "port": 3141},
            {"owner": "o", "repo": "r", "host": "h", "port": 1, "connect_timeout": 3},
        ],
    }
    assert interval == 20
    assert notes == [
        "other: no counterpart",
        "global.scrape_timeout: no counterpart; a server's deadline bounds each run",
        "scrape_configs.job_name: no counterpart",
    ]


@pytest.mark.parametrize("old", [{}, {"global": 1, "scrape_configs": {}, "sink_config": []}])
def test_other_documents_give_no_servers(old: dict[str, object]) -> None:
    assert convert(old)[0] == {"servers": []}


@pytest.mark.parametrize(
    ("interval", "lines"),
    [
        (20, ["* * * * * c", "* * * * * sleep 20; c", "* * * * * sleep 40; c"]),
        (60, ["* * * * * c"]),
        (300, ["*/5 * * * * c"]),
    ],
)
def test_the_lines_of_crontab(interval: float, lines: list[str]) -> None:
    assert crontab_lines(interval, "c") == lines
