"""`watchman config check`: whether the configuration is valid, and which bindings there are."""

from __future__ import annotations

import time

from watchman_cli.cli.options import CONFIG, STORE, load_config
from watchman_cli.errors import ConfigError, print_error
from watchman_cli.signals import install_handlers, on_signal
from watchman_cli.text import printable

IMPORT_TIMEOUT = 60.0  # seconds for interpreters to import the bindings, from a slow file system too


def config_check(config: str | None = CONFIG, store: str | None = STORE) -> None:
    """Validate the configuration, and say which interpreter has the ecflow bindings."""
    from watchman_cli.bindings import BindingsFailed, BindingsMissing, Referee
    from watchman_cli.store import open_store

    settings = load_config(config, store)
    store_url = open_store(settings.store, settings.store_source).url
    for warning in settings.warnings:
        print_error(f"warning: {warning}")
    many = "server" if len(settings.servers) == 1 else "servers"
    print(printable(f"{settings.path}: valid, {len(settings.servers)} {many}, store {store_url}"))
    install_handlers()
    referee = Referee(settings.ecflow_python)
    on_signal(referee.stop)
    try:
        found = referee.find(time.monotonic() + IMPORT_TIMEOUT)
        print(printable(f"ecflow {found.version}: {found.interpreter} (Python {found.python})"))
    except (BindingsMissing, BindingsFailed) as error:
        if any(server.reader == "bindings" for server in settings.servers):
            raise ConfigError([str(error)]) from error
        print(printable(f"no server is verified by the ecflow bindings: {error}"))
