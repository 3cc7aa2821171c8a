"""The example programs for `notify.command` send what an event says."""

from __future__ import annotations

import subprocess
import sys
import urllib.parse
from email import message_from_string
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.support.receiver import Receiver
from tests.unit.causes.examples import ENDED, HALTED, text
from watchman_cli.causes.model import Event
from watchman_cli.notify.event import encode_event

EXAMPLES = ROOT / "examples"
BOTH = encode_event("o/r", Event("id1", text(), (HALTED,), (ENDED,), ("command",)))
ONLY_ENDED = encode_event("o/r", Event("id2", text(), (), (ENDED,), ("command",)))


def run(program: str, event: bytes, *arguments: str, path: Path | None = None) -> int:
    command = [sys.executable, str(EXAMPLES / program), *arguments]
    environment = {"PATH": f"{path}:/usr/bin:/bin"}
    return subprocess.run(
        command, input=event, env=environment, check=False, stderr=subprocess.DEVNULL
    ).returncode


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """Return a folder with a `sendmail` and an `apprise` that record how they are called."""
    for name in ("sendmail", "apprise"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/arguments\ncat > {tmp_path}/input\n')
        program.chmod(0o755)
    return tmp_path


def test_mail(recorded: Path) -> None:
    assert run("notify-mail", BOTH, "op@example.org", path=recorded) == 0
    mail = message_from_string((recorded / "input").read_text())
    assert (mail["To"], mail["Subject"]) == ("op@example.org", "ecFlow o/r: 2 causes")
    assert mail["Message-ID"] == "<id1@watchman>"
    assert mail.get_payload().splitlines() == [  # type: ignore[union-attr]
        f"began: server HALTED, since {HALTED.since}",
        f"ended: /s/t aborted, at {ENDED.until}",
    ]


def test_apprise(recorded: Path) -> None:
    assert run("notify-apprise", BOTH, "mailto://h", path=recorded) == 0
    assert (recorded / "arguments").read_text().splitlines() == [
        "--title",
        "ecFlow o/r",
        "--body",
        "began: server HALTED",
        "ended: /s/t aborted",
        "mailto://h",
    ]


def test_sms() -> None:
    with Receiver([200, 503]) as receiver:
        assert run("notify-sms", BOTH, receiver.url, "+4712345678") == 0
        assert run("notify-sms", ONLY_ENDED, receiver.url, "+4712345678") == 0
        assert run("notify-sms", BOTH, receiver.url, "+4712345678") == 1  # refused
        first, _ = receiver.requests
    assert urllib.parse.parse_qs(first.body.decode()) == {
        "to": ["+4712345678"],
        "text": ["o/r: server HALTED"],
    }
