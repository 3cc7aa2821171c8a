"""The configuration file: where it is looked for, and how it becomes a Config."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from watchman_cli import schema
from watchman_cli.config.model import Config, Server
from watchman_cli.config.validate import find_problems
from watchman_cli.config.yaml import raise_problems, read
from watchman_cli.errors import ConfigError


def find(explicit: str | None, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the configuration file to use. Raises ConfigError where there is none."""
    named = explicit or environment.get("WATCHMAN_CONFIG")
    if named:
        return Path(named)
    places = [Path("watchman.yaml")]
    base = environment.get("XDG_CONFIG_HOME") or (
        environment["HOME"] + "/.config" if environment.get("HOME") else ""
    )
    if base:
        places.append(Path(base) / "watchman" / "config.yaml")
    places.append(Path("/etc/watchman/config.yaml"))
    for place in places:
        if os.path.exists(place):  # noqa: PTH110 (a folder that may not be read has none for us)
            return place
    looked = ", ".join(str(place) for place in places)
    raise ConfigError([f"no configuration found: name one with --config FILE (looked for {looked})"])


def load(path: Path, environment: Mapping[str, str] = os.environ, store: str | None = None) -> Config:
    """Read and check a configuration file.

    `store` and the environment's WATCHMAN_STORE override the file's store, in this order. Raises
    ConfigError with every problem, each with its file, line and place.
    """
    file = read(path)
    raise_problems(path, find_problems(file))
    document = file.value
    defaults = {**_schema_defaults(), **document.get("defaults", {})}
    servers = tuple(_server({**defaults, **entry}) for entry in document["servers"])
    warnings = []
    if file.readable_by_others and (
        _has_password(document.get("store", "")) or any(server.password for server in servers)
    ):
        warnings.append(f"{path} holds a password and others may read it: chmod 600 {path}")
    return Config(
        path=path,
        store=store_url(store, environment, document.get("store")),
        store_source=_store_source(store, environment, f"{path}:{file.lines.line_of(['store'])}: store"),
        ecflow_python=environment.get("WATCHMAN_ECFLOW_PYTHON") or document.get("ecflow_python"),
        sync_cache=document.get("sync_cache", _default("sync_cache")),
        servers=servers,
        warnings=tuple(warnings),
    )


def store_url(option: str | None, environment: Mapping[str, str], configured: str | None) -> str:
    """Return the store's URL: of the option, else WATCHMAN_STORE, else as configured, else the default.

    Raises ConfigError where it is not one, or shows a password to everybody who lists processes.
    """
    url: str = option or environment.get("WATCHMAN_STORE") or configured or _default("store")
    if not schema.is_valid("config", {"store": url, "servers": [_ANY_SERVER]}):
        expected = schema.load("config")["properties"]["store"]["x-expected"]
        raise ConfigError([f"{_store_source(option, environment, 'store')}: expected {expected}"])
    if option and _has_password(option):
        raise ConfigError(
            ["--store: a password on the command line is seen by everybody; use WATCHMAN_STORE or the file"]
        )
    return url


def _store_source(option: str | None, environment: Mapping[str, str], otherwise: str) -> str:
    if option:
        return "--store"
    return "WATCHMAN_STORE" if environment.get("WATCHMAN_STORE") else otherwise


_ANY_SERVER = {"owner": "o", "repo": "r", "host": "h", "port": 1}


def _has_password(url: str) -> bool:
    return re.search("://[^@]*:.*@|password=", url) is not None


def _default(name: str) -> Any:
    return schema.load("config")["properties"][name]["default"]


def _schema_defaults() -> dict[str, Any]:
    of_a_server = schema.load("config")["$defs"]
    return {name: each["default"] for name, each in of_a_server.items() if "default" in each}


def _server(entry: dict[str, Any]) -> Server:
    settings = {**entry, "suites": tuple(entry.get("suites", ()))}
    for name in {"port", "attempts", "expire", "max_reply"} & entry.keys():
        settings[name] = int(entry[name])  # JSON Schema takes 3141.0 for an integer too
    for name in {"certificate", "tokens"} & entry.keys():
        settings[name] = Path(os.path.expanduser(entry[name]))  # noqa: PTH111 (it raises for an unknown home)
    return Server(**settings)
