"""`watchman config check`: whether the configuration is valid, and which bindings there are."""

from __future__ import annotations

from watchman_cli.cli.options import CONFIG, STORE, load_config
from watchman_cli.errors import ConfigError, ServerError, print_error
from watchman_cli.signals import install_handlers, on_signal
from watchman_cli.text import printable


def config_check(config: str | None = CONFIG, store: str | None = STORE) -> None:
    """Validate the configuration, and say which interpreter has the ecflow bindings."""
    from watchman_cli.bindings.supervisor import Probes
    from watchman_cli.store import open_store

    settings = load_config(config, store)
    store_url = open_store(settings.store, settings.store_source).url
    for warning in settings.warnings:
        print_error(f"warning: {warning}")
    many = "server" if len(settings.servers) == 1 else "servers"
    print(printable(f"{settings.path}: valid, {len(settings.servers)} {many}, store {store_url}"))
    install_handlers()
    probes = Probes(settings.ecflow_python)
    on_signal(probes.stop)
    try:
        with probes:
            found = probes.bindings
            print(printable(f"ecflow {found.version}: {found.interpreter} (Python {found.python})"))
    except ServerError as error:
        raise ConfigError([str(error)]) from error
