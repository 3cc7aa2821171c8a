"""Find the configuration file, and make a Config from it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from watchman_cli import schema
from watchman_cli.config import secrets
from watchman_cli.config.file import Document
from watchman_cli.config.model import Config, Server
from watchman_cli.config.permissions import find_other_writer
from watchman_cli.config.read import ValidFile, read_files
from watchman_cli.duration import parse_duration
from watchman_cli.errors import ConfigError

if TYPE_CHECKING:
    from watchman_cli.config.notify import Notify
    from watchman_cli.deadlines import Deadline
    from watchman_cli.silences import Silence

IN_WORKING_DIRECTORY = Path("watchman.yaml")


def find(explicit: str | None, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the configuration file to use.

    Raises ConfigError if there is no file, or if no option names it and other users can write the one in the
    working directory.
    """
    named = explicit or environment.get("WATCHMAN_CONFIG")
    if named:
        return Path(named)
    places = [IN_WORKING_DIRECTORY]
    base = environment.get("XDG_CONFIG_HOME") or (
        environment["HOME"] + "/.config" if environment.get("HOME") else ""
    )
    if base:
        places.append(Path(base) / "watchman" / "config.yaml")
    places.append(Path("/etc/watchman/config.yaml"))
    for place in places:
        if os.path.exists(place):  # noqa: PTH110 (an unreadable folder counts as empty)
            problem = find_other_writer(place) if place is IN_WORKING_DIRECTORY else None
            if problem:
                refusal = f"refused, because other users can write it: {problem}, or use --config"
                raise ConfigError([f"{place}: {refusal}"])
            return place
    searched = ", ".join(str(place) for place in places)
    raise ConfigError([f"no configuration found: name one with --config FILE (searched: {searched})"])


def load(path: Path, environment: Mapping[str, str] = os.environ, store: str | None = None) -> Config:
    """Read and check a configuration file.

    `store` and the environment's WATCHMAN_STORE override the file's store, in this order. Raises
    ConfigError with every problem, each with its file, line and key.
    """
    overridden = bool(store or environment.get("WATCHMAN_STORE"))
    files = read_files(path, environment, with_store=not overridden)
    main = files[0]
    file, document = main.written, main.value
    python = environment.get("WATCHMAN_ECFLOW_PYTHON")
    if not python and "ecflow_python" in document:
        _check_may_name_program(file, ["ecflow_python"], ", or set WATCHMAN_ECFLOW_PYTHON")
    if "command" in document.get("notify", {}):
        _check_may_name_program(file, ["notify", "command"])
    return Config(
        path=path,
        store=store_url(store, environment, document.get("store")),
        store_source=_store_source(store, environment, f"{path}:{file.lines.line_of(['store'])}: store"),
        ecflow_python=python or document.get("ecflow_python"),
        sync_cache=document.get("sync_cache", _default("sync_cache")),
        metrics_file=Path(document["metrics_file"]) if "metrics_file" in document else None,
        notify=_notify(document),
        servers=tuple(_servers(files)),
        maintenance=tuple(
            make_silence(entry) for each in files for entry in each.value.get("maintenance", ())
        ),
        warnings=tuple(warning for each in files for warning in _warnings(each.written)),
        included=tuple(each.written.path for each in files[1:]),
    )


def _notify(document: Mapping[str, Any]) -> Notify | None:
    if "notify" not in document:
        return None
    from watchman_cli.config.notify import make_notify

    return make_notify(document["notify"])


def _servers(files: Sequence[ValidFile]) -> Iterator[Server]:
    """Yield the servers of all files; the main file's defaults are those of every file, if it has no own."""
    common = files[0].value.get("defaults", {})
    for file in files:
        defaults = {**common, **file.value.get("defaults", {})}
        for entry in file.value.get("servers", ()):
            yield make_server(entry, defaults)


def _check_may_name_program(file: Document, place: list[Any], otherwise: str = "") -> None:
    """Check that no other user can make the caller run the program at a place. Raises ConfigError."""
    problem = find_other_writer(file.path)
    if problem:
        key = ".".join(place)
        refusal = f"a file that other users can write must not name a program: {problem}"
        raise ConfigError([f"{file.path}:{file.lines.line_of(place)}: {key}: {refusal}{otherwise}"])


def _warnings(file: Document) -> list[str]:
    """Return a warning for each file with a password that other users can read.

    The headers of a webhook count as passwords: most have one.
    """
    has_password = secrets.has_inline_password(file.value) or secrets.has_headers(file.value)
    open_files = [file.path] if file.readable_by_others and has_password else []
    for path in secrets.password_files(file.value):
        if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            open_files.append(path)
    if not open_files:
        return []
    from shlex import quote

    return [
        f"{path} has a password, and other users can read it: chmod 600 {quote(str(path))}"
        for path in open_files
    ]


def store_url(option: str | None, environment: Mapping[str, str], configured: str | None) -> str:
    """Return the store's URL: the option, else WATCHMAN_STORE, else the configured one, else the default.

    Raises ConfigError if it is invalid, or if the option has a password, which other users can see.
    """
    if option and secrets.holds_password(option):
        raise ConfigError(
            ["--store: other users can see a password on the command line; use WATCHMAN_STORE or the file"]
        )
    source = _store_source(option, environment, "store")
    named = option or environment.get("WATCHMAN_STORE")
    try:
        url: str = secrets.expand_url(named, environment) if named else configured or _default("store")
    except ConfigError as error:
        raise ConfigError([f"{source}: {error}"]) from error
    described = schema.load("config")["properties"]["store"]
    if not re.search(described["pattern"], url):  # without the validator, whose import takes 15 ms
        raise ConfigError([f"{source}: expected {described['x-expected']}"])
    unescaped = secrets.find_unescaped(url)
    if unescaped:
        raise ConfigError([f"{source}: {unescaped}"])
    return url


def _store_source(option: str | None, environment: Mapping[str, str], otherwise: str) -> str:
    if option:
        return "--store"
    return "WATCHMAN_STORE" if environment.get("WATCHMAN_STORE") else otherwise


def _default(name: str) -> Any:
    return schema.load("config")["properties"][name]["default"]


def _schema_defaults() -> dict[str, Any]:
    settings = schema.load("config")["$defs"]
    return {name: each["default"] for name, each in settings.items() if "default" in each}


def make_deadline(entry: Mapping[str, Any]) -> Deadline:
    """Return the deadline of a valid entry."""
    from watchman_cli.deadlines import DAYS, Deadline, parse_time_of_day

    times = {name: parse_time_of_day(entry[name]) for name in ("by", "after") if name in entry}
    days = {"days": tuple(day for day in DAYS if day in entry["days"])} if "days" in entry else {}
    return Deadline(**{**entry, **times, **days})


def make_silence(entry: Mapping[str, Any]) -> Silence:
    """Return the silence of a valid entry of `maintenance`."""
    from watchman_cli.silences import Silence
    from watchman_cli.snapshot import parse_time

    start = parse_time(entry["from"]) if "from" in entry else None
    because = entry.get("because", "maintenance")
    until = parse_time(entry["until"])
    return Silence(entry.get("server", "*"), until, entry.get("path", "/"), start, because=because)


def make_server(entry: Mapping[str, Any], defaults: Mapping[str, Any] = MappingProxyType({})) -> Server:
    """Return the server of a valid entry; missing settings are from `defaults`, else from the schema."""
    entry = {**_schema_defaults(), **defaults, **entry}
    settings = {**entry, "suites": tuple(entry.get("suites", ()))}
    settings["deadlines"] = tuple(map(make_deadline, entry.get("deadlines", ())))
    settings["secret_names"] = tuple(entry.get("secret_names", ()))
    kinds = entry["details"]
    if isinstance(kinds, list):
        settings |= {"details": True, "detail_kinds": tuple(kinds)}
    for name in {"port", "attempts", "expire", "max_reply", "report_after"} & entry.keys():
        settings[name] = int(entry[name])  # JSON Schema takes 3141.0 for an integer too
    for name in {"certificate", "tokens"} & entry.keys():
        settings[name] = secrets.expand_home(entry[name])
    if isinstance(entry["min_interval"], str):
        settings["min_interval"] = parse_duration(entry["min_interval"])
    settings.pop("password_file", None)
    return Server(**settings)
