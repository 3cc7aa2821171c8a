"""The options that commands share, and the configuration and store that they name."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from watchman_cli.duration import parse_duration
from watchman_cli.errors import ConfigError, UnknownServer
from watchman_cli.text import plain_or_quoted, quoted

if TYPE_CHECKING:
    from watchman_cli.config import Config
    from watchman_cli.shard import Shard
    from watchman_cli.silences import Silence
    from watchman_cli.store import Store

CONFIG = typer.Option(
    None,
    "--config",
    metavar="FILE",
    help="Use this configuration file. Default: the first of $WATCHMAN_CONFIG, ./watchman.yaml, "
    "$XDG_CONFIG_HOME/watchman/config.yaml and /etc/watchman/config.yaml.",
)
OUTPUT = typer.Option(
    "watchman.yaml", "--config", metavar="FILE", help="Write this file, which must not exist."
)
STORE = typer.Option(
    None,
    "--store",
    metavar="URL",
    help="Use this store instead of the configured one: redis://, rediss://, unix://, redis+sentinel://, "
    "redis+cluster:// or file://. Put a URL with a password into WATCHMAN_STORE.",
)
SHARD = typer.Option(
    None,
    "--shard",
    metavar="K/N",
    help="Take only the servers in share K of N, by name. auto: by the variables of a Slurm array; auto/N: "
    "K by those of a Slurm or PBS array.",
)


def shard_from_option(text: str | None) -> Shard | None:
    """Return the share that the option means. Raises ConfigError."""
    if text is None:
        return None
    from watchman_cli.shard import parse_shard

    try:
        return parse_shard(text, os.environ)
    except ValueError as error:
        raise ConfigError([f"--shard {plain_or_quoted(text)}: {error}"]) from error


def write_config(output: str, text: str) -> None:
    """Write a new configuration that only the caller can read. Raises ConfigError if it exists."""
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ConfigError(
            [f"{plain_or_quoted(output)}: exists, and stays as it is; name another with --config"]
        ) from error
    except OSError as error:
        raise ConfigError([f"{plain_or_quoted(output)}: {error.strerror}"]) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
    except BaseException as error:
        os.unlink(output)  # noqa: PTH108 (a partial configuration is useless)
        if isinstance(error, OSError):
            raise ConfigError([f"{plain_or_quoted(output)}: {error.strerror}"]) from error
        raise


def load_config(config: str | None, store: str | None) -> Config:
    """Return the configuration that the options name. Raises ConfigError."""
    from watchman_cli.config import find, load

    return load(find(config), store=store)


def needs_no_config(config: str | None, store: str | None) -> bool:
    """Return True if the store is named without a configuration, and no option names one."""
    return config is None and bool(store or os.environ.get("WATCHMAN_STORE"))


def store_from_options(config: str | None, store: str | None) -> Store:
    """Return the store to read back from. Only if nothing else names it, a configuration is needed.

    Raises ConfigError.
    """
    from watchman_cli.store import open_store

    if needs_no_config(config, store):
        from watchman_cli.config import store_url

        source = "--store" if store else "WATCHMAN_STORE"
        return open_store(store_url(store, os.environ, None), source)
    settings = load_config(config, store)
    return open_store(settings.store, settings.store_source)


def server_from_options(name: str, config: str | None, store: str | None) -> tuple[Store, str]:
    """Return the store to read back from, and the server's `owner/repo`. Raises ConfigError."""
    opened, (server,) = servers_from_options([name], config, store)
    return opened, server


def servers_from_options(
    names: Sequence[str], config: str | None, store: str | None
) -> tuple[Store, list[str]]:
    """Return the store to read back from, and each server's `owner/repo`: without names, all servers.

    A configuration is needed if nothing else names a store, or if a name is only a repo. If there is one,
    each server must be in it. Raises ConfigError, which is UnknownServer if all names are OWNER/REPO.
    """
    for name in names:
        check_text(name)
        parts = name.split("/")
        if any(part in ("", ".", "..") for part in parts) or len(parts) > 2:
            raise ConfigError([f"invalid server {quoted(name)}: use OWNER/REPO"])
    if names and all("/" in name for name in names) and needs_no_config(config, store):
        return store_from_options(config, store), list(dict.fromkeys(names))
    from watchman_cli.store import open_store

    settings = load_config(config, store)
    try:
        servers = settings.select(names)
    except ConfigError as error:
        if all("/" in name for name in names):
            raise UnknownServer(error.problems) from error
        raise
    return open_store(settings.store, settings.store_source), [server.name for server in servers]


def deadlines_from_options(config: str | None, store: str | None) -> dict[str, set[str]]:
    """Return the deadlines of each server, in words; none if there is no usable configuration."""
    try:
        servers = load_config(config, store).servers
    except ConfigError:  # a store and an OWNER/REPO do not need one
        return {}
    return {server.name: {str(deadline) for deadline in server.deadlines} for server in servers}


def maintenance_from_options(config: str | None, store: str | None) -> Sequence[Silence]:
    """Return the configured silences; none if there is no usable configuration."""
    try:
        return load_config(config, store).maintenance
    except ConfigError:  # a store and an OWNER/REPO do not need one
        return ()


def node_path(text: str) -> str:
    """Return a node's path as a snapshot has it. Raises ConfigError."""
    check_text(text)
    return "/" + text.strip("/")


def check_text(word: str) -> None:
    """Check that a word of the command line is text: names in a store are. Raises ConfigError."""
    try:
        word.encode()
    except UnicodeEncodeError as error:  # Python keeps other bytes as surrogates
        raise ConfigError([f"{quoted(word)}: not UTF-8"]) from error


def duration(text: str) -> float:
    """Return the seconds of an option's duration. Raises BadParameter."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def wants_colour() -> bool:
    """Return True if standard output takes colour, or the environment says so."""
    if os.environ.get("NO_COLOR"):
        return False
    if any(os.environ.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def takes(text: str) -> bool:
    """Return True if the encoding of standard output has all characters of a text."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
