"""The settings of `notify`: where causes are told."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from watchman_cli import schema
from watchman_cli.config.secrets import expand_home
from watchman_cli.duration import parse_duration

if TYPE_CHECKING:
    from watchman_cli.causes.model import Rules


class Webhook(NamedTuple):
    """The address that events are posted to, with these headers, and with the token in a file."""

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    token_file: Path | None = None


class Notify(NamedTuple):
    """Where causes are told that last for `hold` seconds; `ping` is asked after each run."""

    hold: float
    alertmanager: tuple[str, ...] = ()
    webhook: Webhook | None = None
    command: tuple[str, ...] = ()
    ping: str | None = None

    @property
    def rules(self) -> "Rules":
        """How causes are told: events are kept for those receivers that are configured."""
        from watchman_cli.causes.model import Rules

        return Rules(
            self.hold,
            (
                *(("webhook",) if self.webhook else ()),
                *(("command",) if self.command else ()),
            ),
        )


def make_notify(entry: Mapping[str, Any]) -> Notify:
    """Return the settings of a valid `notify`."""
    described = schema.load("config")["properties"]["notify"]["properties"]
    urls = entry.get("alertmanager", ())
    webhook = entry.get("webhook")
    return Notify(
        hold=parse_duration(str(entry.get("for", described["for"]["default"]))),
        alertmanager=(urls,) if isinstance(urls, str) else tuple(urls),
        webhook=None if webhook is None else _make_webhook(webhook),
        command=tuple(entry.get("command", ())),
        ping=entry.get("ping"),
    )


def _make_webhook(entry: str | Mapping[str, Any]) -> Webhook:
    if isinstance(entry, str):
        return Webhook(entry)
    token_file = expand_home(entry["token_file"]) if "token_file" in entry else None
    return Webhook(entry["url"], tuple(entry.get("headers", {}).items()), token_file)
