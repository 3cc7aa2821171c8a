"""Arguments that a shell completes: the configured servers, and a snapshot's paths."""

import re
from collections.abc import Iterable
from typing import Any

import typer

from watchman_cli.cli.options import load_config, server_from_options

# Shells put a completed word into the command line as it is, and zsh evaluates it: a blank, a quote or
# $(...) in a name from the store would become a part of the command.
_SAFE = r"[\w/.:@+][\w/.:@+-]*"


def complete_server(context: typer.Context, incomplete: str) -> list[str]:
    """Return the configured servers that begin with the word: `owner/repo`, and each unique repo."""
    config, store = _options(context)
    try:
        servers = load_config(config, store).servers
    except Exception:  # a shell that completes must not print any error
        return []
    repos = [server.repo for server in servers]
    names = [repo for repo in repos if repos.count(repo) == 1] + [server.name for server in servers]
    return _safe(name for name in names if name.startswith(incomplete))


SERVER = typer.Argument(
    metavar="OWNER/REPO",
    help="The server, as in the configuration, or only the repo, if it is unique.",
    autocompletion=complete_server,
)
OPTIONAL_SERVER = typer.Argument(
    None,
    metavar="OWNER/REPO",
    help="The server, or only the repo, if it is unique in the configuration.",
    autocompletion=complete_server,
)


def complete_path(context: typer.Context, incomplete: str) -> list[str]:
    """Return the server's nodes that begin with the word, one level at a time."""
    from watchman_cli.readback import read_server

    config, store = _options(context)
    try:
        # click parses no arguments if the last option's value is missing
        named = context.params.get("name") or context.args[0]
        snapshot = read_server(*server_from_options(named, config, store)).snapshot
    except Exception:
        return []
    level = max(1, incomplete.count("/"))
    paths = [record.path for record in snapshot.records[1:]] if snapshot else []
    return _safe(path for path in paths if path.startswith(incomplete) and path.count("/") == level)


def _safe(words: Iterable[str]) -> list[str]:
    """Return the words with only letters, digits and signs that are harmless in a shell."""
    return [word for word in words if word.isprintable() and re.fullmatch(_SAFE, word)]


def _options(context: typer.Context) -> tuple[Any, Any]:
    return context.params.get("config"), context.params.get("store")
