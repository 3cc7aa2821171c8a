"""`watchman page`: the stored servers as one HTML file."""

from __future__ import annotations

import stat
import sys
from contextlib import suppress
from pathlib import Path

import typer

from watchman_cli.cli.completion import complete_server
from watchman_cli.cli.options import CONFIG, STORE, servers_from_options
from watchman_cli.errors import ConfigError, WatchmanError
from watchman_cli.files import replace_file
from watchman_cli.text import plain_or_quoted


def page(
    servers: list[str] = typer.Argument(
        None,
        metavar="[OWNER/REPO]...",
        help="Only these servers, or only their repos, if these are unique in the configuration.",
        autocompletion=complete_server,
    ),
    output: str = typer.Option(
        ...,
        "--output",
        metavar="FILE",
        help="Write this file, or replace it as a whole, also if it is a link; - is standard output.",
    ),
    config: str | None = CONFIG,
    store: str | None = STORE,
) -> None:
    """Write an HTML page: each server's age and health, root causes, and a tree that folds.

    The file needs no other file, no network and no script to be read. watchman makes it from the store alone.
    """
    from datetime import datetime, timezone

    from watchman_cli.output.page import render
    from watchman_cli.readback import read_servers

    target = None if output == "-" else _checked(output)
    opened, names = servers_from_options(servers or [], config, store)
    stored = read_servers(opened, names)
    text = render(stored, datetime.now(timezone.utc)).encode()
    if target is None:
        sys.stdout.buffer.write(text)
    else:
        try:
            replace_file(target, text)
        except OSError as error:
            raise WatchmanError(
                f"{plain_or_quoted(output)}: {error.strerror}; no page was written"
            ) from error
    raise typer.Exit(1 if any(each.error for each in stored) else 0)


def _checked(output: str) -> Path:
    """Return the path of the page, which may be a file or a link to one. Raises ConfigError."""
    path, shown = Path(output), plain_or_quoted(output)
    try:
        if not path.parent.is_dir():
            raise ConfigError(
                [f"--output {shown}: there is no directory {plain_or_quoted(str(path.parent))}"]
            )
        with suppress(FileNotFoundError):
            if not stat.S_ISREG(path.stat().st_mode):
                raise ConfigError([f"--output {shown}: not a regular file"])
    except OSError as error:
        raise ConfigError([f"--output {shown}: {error.strerror}"]) from error
    return path
