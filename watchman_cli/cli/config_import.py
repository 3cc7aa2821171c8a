"""`watchman config import`: convert a configuration of the older ecflow-watchman."""

from __future__ import annotations

from pathlib import Path

import typer

from watchman_cli.cli.options import OUTPUT, write_config
from watchman_cli.errors import ConfigError, print_error
from watchman_cli.text import printable


def config_import(
    old: Path = typer.Argument(metavar="OLD.yaml", help="The older ecflow-watchman's configuration."),
    output: str = OUTPUT,
) -> None:
    """Write a configuration from one of the older ecflow-watchman.

    It prints the crontab lines for it, too.
    """
    from watchman_cli.config import load
    from watchman_cli.config.convert import convert, crontab_lines, crontab_word
    from watchman_cli.config.yaml import read
    from watchman_cli.output.config_file import render_config

    document = read(old).value
    if not isinstance(document, dict) or "scrape_configs" not in document:
        raise ConfigError([f"{old}: not a configuration of ecflow-watchman: scrape_configs is missing"])
    converted, interval, notes = convert(document)
    store = converted.get("store", "redis://127.0.0.1:6379/0")
    servers = converted["servers"]
    write_config(output, render_config(store, servers, [""] * len(servers)))
    try:
        load(Path(output), {})
    except ConfigError as error:
        for problem in error.problems:
            print_error(f"to correct: {problem}")
    for note in notes:
        print_error(f"{old}: {note}")
    print(printable(f"{output}: written, {len(servers)} servers. For crontab:"))
    command = f"watchman collect --config {crontab_word(str(Path(output).absolute()))}"
    for line in crontab_lines(interval, command):
        print(printable(line))
