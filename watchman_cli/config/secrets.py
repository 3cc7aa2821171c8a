"""Passwords from outside the configuration: in a file, or in the environment as ${NAME}."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from watchman_cli.config.variables import VARIABLE, Problem, expand, expand_address, value_of
from watchman_cli.errors import ConfigError

SIZE_LIMIT = 4096  # bytes of a password's file
_HOSTS = r"(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::\d+)?(?:,(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::\d+)?)*"
ESCAPES = (
    "in a password, write % as %25, / as %2F, ? as %3F and # as %23, "
    "or take it from the environment: redis://:${NAME}@host:6379/0"
)


def resolve(
    document: Any, environment: Mapping[str, str], *, with_store: bool = True
) -> tuple[Any, list[Problem]]:
    """Return a copy of a document with the values of the password files and the variables that it names.

    A server's `password_file` stays beside its `password`. The problems are variables that are not set, and
    files that cannot be read. Without `with_store`, a store is left out if it names variables.
    """
    problems: list[Problem] = []
    if not isinstance(document, dict):
        return document, problems
    copy = dict(document)
    if not with_store and "${" in str(copy.get("store")):
        del copy["store"]
    if isinstance(copy.get("store"), str):
        try:
            copy["store"] = expand_url(copy["store"], environment)
        except ConfigError as error:
            problems.append((["store"], str(error)))
    if isinstance(copy.get("defaults"), dict):
        copy["defaults"] = _resolve_entry(copy["defaults"], ["defaults"], environment, problems)
    if isinstance(copy.get("servers"), list):
        copy["servers"] = [
            _resolve_entry(entry, ["servers", index], environment, problems)
            if isinstance(entry, dict)
            else entry
            for index, entry in enumerate(copy["servers"])
        ]
    return copy, problems


def _resolve_entry(
    entry: dict[str, Any], place: list[Any], environment: Mapping[str, str], problems: list[Problem]
) -> dict[str, Any]:
    entry = expand_address(entry, place, environment, problems)
    password, file = entry.get("password"), entry.get("password_file")
    try:
        if "password" in entry and "password_file" in entry:
            problems.append(([*place, "password_file"], "password is set as well; keep one of them"))
        elif isinstance(password, str):
            return {**entry, "password": expand(password, environment)}
        elif isinstance(file, str) and file.startswith(("/", "~/")):
            return {**entry, "password": read_password(expand_home(file))}
    except ConfigError as error:
        problems.append(([*place, "password" if "password" in entry else "password_file"], str(error)))
    return entry


def expand_home(path: str) -> Path:
    """Return a path with the caller's home for `~`, or the same path if the home is unknown."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 (Path's raises)


def read_password(path: Path) -> str:
    """Return the password in a file, its first line. Raises ConfigError."""
    try:
        with open(path, "rb", opener=_open) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ConfigError(["not a regular file"])
            data = file.read(SIZE_LIMIT + 1)
        text: str = data.decode()
    except OSError as error:
        raise ConfigError([error.strerror or "cannot be read"]) from error
    except ValueError as error:
        raise ConfigError(["not UTF-8"]) from error
    first, _, rest = text.partition("\n")
    if not first.strip() or rest.strip() or len(data) > SIZE_LIMIT:
        raise ConfigError(["it must have the password as its only line"])
    return first.rstrip("\r")


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # never wait for a FIFO


def expand_url(url: str, environment: Mapping[str, str]) -> str:
    """Return a URL with the values of its ${NAME}s, encoded in a user, a password or an option.

    Raises ConfigError if a variable is not set.
    """

    def value(match: re.Match[str]) -> str:
        text = value_of(match[1], environment)
        in_user = "://" in url[: match.start()] and "@" in url[match.end() :]
        return quote(text, safe="") if in_user or "?" in url[: match.start()] else text

    return VARIABLE.sub(value, url)


def holds_password(url: str) -> bool:
    """Return True if a URL itself has a password, not a variable for it."""
    return re.search("://[^@]*:.+@|password=[^&]", VARIABLE.sub("", url)) is not None


def has_inline_password(document: Mapping[str, Any]) -> bool:
    """Return True if a valid document itself has a password for the store or a server."""
    entries = [document.get("defaults", {}), *document.get("servers", ())]
    return holds_password(document.get("store", "")) or any(
        VARIABLE.sub("", entry.get("password", "")) for entry in entries
    )


def has_headers(document: Mapping[str, Any]) -> bool:
    """Return True if a valid document has headers for a webhook, which may be secret."""
    webhook = document.get("notify", {}).get("webhook")
    return isinstance(webhook, dict) and bool(webhook.get("headers"))


def password_files(document: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the password files that a valid document names, each once."""
    entries = [document.get("defaults", {}), *document.get("servers", ())]
    names = dict.fromkeys(entry["password_file"] for entry in entries if "password_file" in entry)
    yield from (expand_home(name) for name in names)


def find_unescaped(url: str) -> str | None:
    """Return advice if a character in a password ends that part of the URL, or None."""
    scheme, _, rest = url.partition("://")
    if scheme == "file":
        return None
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    after = rest[len(authority) :]
    if "@" in authority:
        user, _, _ = authority.rpartition("@")
        return ESCAPES if re.search("%(?![0-9a-fA-F]{2})", user) else None
    if "@" not in after:
        return None
    before_at = after.partition("@")[0]
    if scheme == "unix":
        return ESCAPES if ":" in authority else None
    in_an_option = re.fullmatch(_HOSTS, authority) and "?" in before_at and "=" in before_at
    return None if in_an_option else ESCAPES
