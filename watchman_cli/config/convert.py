"""Convert a configuration of the older ecflow-watchman (`watch-all --config-file`).

Its keys are in `Config`, `ScrapeJob` and `EcflowServerConfig`, in its cmd/cli/watchall.go and config.go.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from watchman_cli.duration import parse_duration
from watchman_cli.text import short_key

_SERVER = ("owner", "repo", "host", "port", "connect_timeout")


def convert(old: Mapping[str, Any]) -> tuple[dict[str, Any], float, list[str]]:
    """Return the new document, the seconds between two runs, and notes on keys without a counterpart."""
    sections = {name: old[name] for name in ("global", "scrape_configs", "sink_config") if name in old}
    notes = [f"{short_key(name)}: no counterpart" for name in old if name not in sections]
    general, sink = _mapping(sections.get("global")), _mapping(sections.get("sink_config"))
    interval = 60.0
    for key, value in general.items():
        if key != "scrape_interval":
            notes.append(f"global.{short_key(key)}: no counterpart; a server's deadline bounds each run")
            continue
        try:
            interval = parse_duration(str(value))
        except ValueError as error:
            notes.append(f"global.scrape_interval: {error}; taken as a minute")
    document: dict[str, Any] = {}
    for key, value in sink.items():
        if key == "url":
            document["store"] = str(value) if "://" in str(value) else f"redis://{value}/0"
        elif key != "type" or value != "redis":
            notes.append(f"sink_config.{short_key(key)}: no counterpart")
    jobs = sections.get("scrape_configs")
    entries = [_mapping(job) for job in (jobs if isinstance(jobs, list) else [])]
    notes += dict.fromkeys(
        f"scrape_configs.{short_key(key)}: no counterpart"
        for entry in entries
        for key in entry
        if key not in _SERVER
    )
    document["servers"] = [dict(_server(entry)) for entry in entries]
    return document, interval, notes


def _server(entry: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key in _SERVER:
        if key in entry:
            value = entry[key]
            is_number = key in ("port", "connect_timeout") and str(value).isascii() and str(value).isdigit()
            yield key, int(value) if is_number else value


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def crontab_word(text: str) -> str:
    """Return a word for a shell and cron: cron ends a command at a percent sign, also in quotes."""
    return shlex.quote(text).replace("%", r"\%")


def crontab_lines(interval: float, command: str) -> list[str]:
    """Return the lines that run a command every `interval` seconds; a pause divides a minute."""
    seconds = max(1, round(interval))
    if seconds > 60:
        return [f"*/{max(1, min(59, round(seconds / 60)))} * * * * {command}"]
    pauses = range(0, 60, seconds)
    return [f"* * * * * {f'sleep {pause}; ' if pause else ''}{command}" for pause in pauses]
