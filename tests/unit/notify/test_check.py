"""What `config check` says about receivers."""

from __future__ import annotations

from pathlib import Path

from tests.support.receiver import Receiver
from watchman_cli.config.notify import Notify, Webhook
from watchman_cli.notify.check import find_problems, try_receivers


def test_files_and_programs_are_checked(tmp_path: Path) -> None:
    token = tmp_path / "token"
    settings = Notify(0, webhook=Webhook("http://h", (), token), command=("no-such-program",))
    assert list(find_problems(settings)) == [
        f"notify.webhook.token_file: {token}: No such file or directory",
        "notify.command: 'no-such-program': no such program",
    ]
    token.write_text("secret")
    assert list(find_problems(settings._replace(command=("sh",)))) == []


def test_addresses_are_tried_and_nothing_is_sent() -> None:
    with Receiver() as gone:
        url = gone.url
    with Receiver() as receiver:
        settings = Notify(0, (receiver.url, url), Webhook(receiver.url), (), receiver.url)
        tried = [(name.partition(" http")[0], why) for name, why in try_receivers(settings)]
        assert tried == [
            ("notify: alertmanager", None),
            ("notify: alertmanager", "connection refused"),
            ("notify: webhook", None),
            ("notify: ping", None),
        ]
        assert receiver.requests == []
