"""Check the receivers of a configuration: their files, programs and addresses."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator

from watchman_cli.config.notify import Notify
from watchman_cli.config.secrets import read_password
from watchman_cli.errors import ConfigError
from watchman_cli.notify.attempt import NotDelivered
from watchman_cli.notify.http import Connection, shown
from watchman_cli.text import quoted

PATIENCE = 5.0  # seconds to connect to a receiver


def find_problems(settings: Notify) -> Iterator[str]:
    """Yield a message for each file and program that cannot be used."""
    if settings.webhook and settings.webhook.token_file:
        try:
            read_password(settings.webhook.token_file)
        except ConfigError as error:
            yield f"notify.webhook.token_file: {settings.webhook.token_file}: {error}"
    if settings.command and shutil.which(settings.command[0]) is None:
        yield f"notify.command: {quoted(settings.command[0])}: no such program"


def try_receivers(settings: Notify) -> Iterator[tuple[str, str | None]]:
    """Connect to each receiver that has an address; yield its name, and the reason if that fails.

    Nothing is sent.
    """
    named = [("alertmanager", url) for url in settings.alertmanager]
    if settings.webhook:
        named.append(("webhook", settings.webhook.url))
    if settings.ping:
        named.append(("ping", settings.ping))
    for name, url in named:
        connection = Connection(url, time.monotonic() + PATIENCE)
        try:
            connection.connect()
        except NotDelivered as error:
            yield f"notify: {name} {shown(url)}", str(error)
        else:
            yield f"notify: {name} {shown(url)}", None
        finally:
            connection.close()
