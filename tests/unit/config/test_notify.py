"""The settings of `notify`, and the receivers that events are kept for."""

from __future__ import annotations

from pathlib import Path

from watchman_cli import config
from watchman_cli.config.notify import Notify, Webhook

NOTIFY = "servers:\n  - {owner: o, repo: r, host: h, port: 1}\nnotify:\n"


def test_receivers_of_notifications(tmp_path: Path) -> None:
    path = tmp_path / "watchman.yaml"
    path.write_text(
        f"{NOTIFY}  for: 1m30s\n  alertmanager: [http://a:9093, 'https://b/am/']\n"
        "  webhook: {url: https://h/x, headers: {X-Site: a}, token_file: /t}\n"
        "  command: [mail, -s, x]\n  ping: http://p/1?a=b\n"
    )
    path.chmod(0o600)
    assert config.load(path, {}).notify == Notify(
        90,
        ("http://a:9093", "https://b/am/"),
        Webhook("https://h/x", (("X-Site", "a"),), Path("/t")),
        ("mail", "-s", "x"),
        "http://p/1?a=b",
    )
    path.write_text(f"{NOTIFY}  alertmanager: http://a:9093\n  webhook: http://h\n")
    assert config.load(path, {}).notify == Notify(120, ("http://a:9093",), Webhook("http://h"))
    path.write_text(NOTIFY.removesuffix("notify:\n"))
    assert config.load(path, {}).notify is None


def test_events_are_for_the_configured_receivers() -> None:
    webhook = Webhook("http://h")
    assert Notify(5).rules.receivers == ()
    assert Notify(5, webhook=webhook, command=("c",)).rules.receivers == ("webhook", "command")
    assert Notify(5, command=("c",)).rules[:2] == (5, ("command",))
