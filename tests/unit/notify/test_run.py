"""One run tells its causes, over real sockets, with a store in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from tests.support.receiver import Receiver
from tests.unit.causes.examples import HALTED, NODE
from tests.unit.collect.scenarios import server
from watchman_cli import health
from watchman_cli.causes.model import Ended, Event, Known, Notices
from watchman_cli.config import Config
from watchman_cli.config.notify import Notify, Webhook
from watchman_cli.health import Health
from watchman_cli.notify.run import Judged, Notifier
from watchman_cli.snapshot import parse_time
from watchman_cli.store.memory import MemoryStore

SERVER = server()
CONFIG = Config(Path("/c"), "memory://", None, "store", (SERVER,), ())
NOW = datetime.now(timezone.utc)
SEEN = NOW.isoformat(timespec="microseconds")
LATER = (NOW + timedelta(seconds=1)).isoformat(timespec="microseconds")


def notices(*events: str, **parts: Any) -> Notices:
    kept = tuple(Event(each, SEEN, (NODE,), (), ("webhook", "command")) for each in events)
    return Notices("r", (Known(NODE, SEEN, SEEN),), (), kept)._replace(**parts)


class Run:
    """Runs with one store, and what they report."""

    def __init__(self) -> None:
        self.store, self.lines = MemoryStore(), list[str]()

    def write(self, written: Notices) -> None:
        self.store.memory.values["o/r", "health"] = health.encode(Health(SEEN, notices=written))

    def tell(self, settings: Notify, own: Notices, code: int = 0, *, write: bool = True) -> list[str]:
        """Make a run that has written some notices; return the lines that it reports."""
        if write:
            self.write(own)
        lines: list[str] = []
        Notifier(CONFIG, settings, self.store).tell([Judged(SERVER, own)], code, lines.append)
        return lines

    def left(self) -> list[str]:
        stored = health.decode(self.store.value("o/r", "health")).notices
        assert stored
        return [each.id for each in stored.events]


@pytest.fixture
def run() -> Run:
    return Run()


@pytest.fixture
def receivers() -> Iterator[list[Receiver]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Receiver()) for _ in range(2)]


def test_each_alertmanager_gets_the_alerts(run: Run, receivers: list[Receiver]) -> None:
    urls = tuple(each.url for each in receivers)
    assert run.tell(Notify(0, alertmanager=urls), notices()) == []
    for each in receivers:
        (request,) = each.requests
        assert (request.method, request.path) == ("POST", "/hook/api/v2/alerts")
        assert request.headers["Content-Type"] == "application/json"
        assert [alert["labels"]["cause"] for alert in request.document] == ["/s/t"]


def test_state_of_the_store_is_posted(run: Run, receivers: list[Receiver]) -> None:
    """Another run has seen the end meanwhile."""
    run.write(notices(known=(), ended=(Ended(NODE, SEEN, LATER),)))
    run.tell(Notify(0, alertmanager=(receivers[0].url,)), notices(), write=False)
    ((alert,),) = receivers[0].bodies
    assert alert["endsAt"] == (NOW + timedelta(seconds=1)).isoformat()


def test_store_is_read_after_the_connection_is_open(run: Run, receivers: list[Receiver]) -> None:
    """An Alertmanager that is slow to accept a connection must not get an older state."""
    order: list[str] = []

    class Watched(MemoryStore):
        def value(self, name: str, field: Any) -> bytes | None:
            if name == "o/r":
                order.append("read")
            return super().value(name, field)

    run.store = Watched(run.store.memory)
    receivers[0].statuses[:] = [503, 200]
    run.tell(Notify(0, alertmanager=(receivers[0].url,)), notices())
    assert order == ["read", "read", "read"]  # before each POST, and after the one that was accepted
    assert len(receivers[0].requests) == 2


@pytest.mark.parametrize(
    ("changed", "ends"),
    [
        (notices(known=(), ended=(Ended(NODE, SEEN, LATER),)), [LATER]),
        (notices(known=(Known(NODE, SEEN),)), []),
    ],
    ids=["ended", "not told"],
)
def test_state_that_changes_during_a_post_is_posted_again(
    run: Run, receivers: list[Receiver], changed: Notices, ends: list[str]
) -> None:
    """A run that is held up before its POST must not leave an older state."""

    class Changing(MemoryStore):
        def value(self, name: str, field: Any) -> bytes | None:
            found = super().value(name, field)
            if name == "o/r":
                run.write(changed)  # another run, right after this one has read
            return found

    run.store = Changing(run.store.memory)
    assert run.tell(Notify(0, alertmanager=(receivers[0].url,)), notices()) == []
    (first, *others) = [alert["endsAt"] for (alert,) in receivers[0].bodies]
    assert first > LATER and others == [parse_time(each).isoformat() for each in ends]


def test_request_that_alertmanager_refuses_is_not_retried(run: Run, receivers: list[Receiver]) -> None:
    receivers[0].statuses[:] = [400]
    settings = Notify(0, alertmanager=(receivers[0].url,))
    address = receivers[0].url.removesuffix("/hook")
    assert run.tell(settings, notices()) == [
        f"notify: alertmanager {address}: HTTP 400; each run tries again"
    ]
    assert len(receivers[0].requests) == 1


def test_nothing_is_posted_without_a_cause(run: Run, receivers: list[Receiver]) -> None:
    run.tell(Notify(0, alertmanager=(receivers[0].url,)), Notices())
    assert receivers[0].requests == []


def test_webhook_gets_each_event_once(run: Run, receivers: list[Receiver], tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    webhook = Webhook(receivers[0].url, (("X-Site", "bologna"),), token)
    settings = Notify(0, webhook=webhook)
    own = notices("id1", "id2")
    assert run.tell(settings, own) == []
    assert run.tell(settings, own, write=False) == []
    assert [body["id"] for body in receivers[0].bodies] == ["id1", "id2"]
    (request, _) = receivers[0].requests
    assert (request.method, request.path) == ("POST", "/hook")
    assert request.headers["Content-Type"] == "application/cloudevents+json"
    assert request.headers["X-Site"] == "bologna"
    assert request.headers["Authorization"] == "Bearer s3cret"


def test_refused_event_is_retried_in_the_same_run(run: Run, receivers: list[Receiver]) -> None:
    receivers[0].statuses[:] = [503, 429]
    assert run.tell(Notify(0, webhook=Webhook(receivers[0].url)), notices("id1")) == []
    assert [body["id"] for body in receivers[0].bodies] == ["id1"] * 3


def test_missing_token_file_is_a_failure_of_the_webhook(run: Run, receivers: list[Receiver]) -> None:
    settings = Notify(0, webhook=Webhook(receivers[0].url, (), Path("/no/token")))
    (line,) = run.tell(settings, notices("id1"))
    assert "token_file /no/token: No such file or directory" in line
    assert receivers[0].requests == []
    assert run.left() == ["id1"]


def test_failing_webhook_does_not_hold_up_the_command(run: Run, tmp_path: Path) -> None:
    with Receiver([0] * 50) as receiver:
        got = tmp_path / "got"
        settings = Notify(0, webhook=Webhook(receiver.url), command=("sh", "-c", f"cat >> {got}"))
        (line,) = run.tell(settings, notices("id1", "id2"))
        assert line.endswith("no answer in time; each run tries again")
    assert [text.count('"id"') for text in got.read_text().splitlines()] == [1, 1]
    assert run.left() == ["id1", "id2"]  # for the webhook


def test_failure_is_reported_once_and_its_end_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver() as receiver:
        url = receiver.url
    port = int(url.split(":")[2].split("/")[0])
    settings = Notify(0, webhook=Webhook(url))
    own = notices("id1")
    with monkeypatch.context() as patch:
        patch.setattr("watchman_cli.notify.run.LIMIT", 1.2)  # each run uses it up
        (line,) = run.tell(settings, own)
        assert "connection refused; each run tries again" in line
        assert run.tell(settings, own, write=False) == []
    with Receiver(port=port) as receiver:
        (line,) = run.tell(settings, own, write=False)
        assert "recovered after 2 failed runs, since" in line
        assert [body["id"] for body in receiver.bodies] == ["id1"]
        assert run.tell(settings, own, write=False) == []


def test_event_that_one_server_cannot_deliver_does_not_hold_up_others(run: Run, tmp_path: Path) -> None:
    other = server()
    other = other._replace(repo="s")
    run.write(notices("id1"))
    run.store.memory.values["o/s", "health"] = health.encode(Health(SEEN, notices=notices("id2")))
    got = tmp_path / "got"
    script = f'event=$(cat); case $event in *id1*) exit 1;; esac; echo "$event" >> {got}'
    settings = Notify(0, command=("sh", "-c", script))
    lines: list[str] = []
    told = [Judged(SERVER, notices("id1")), Judged(other, notices("id2"))]
    Notifier(CONFIG, settings, run.store).tell(told, 0, lines.append)
    assert lines == ["notify: command 'sh': exit code 1; each run tries again"]
    assert got.read_text().count("\n") == 1


@pytest.mark.parametrize(("code", "path"), [(0, "/hook"), (1, "/hook/fail"), (3, "/hook/fail")])
def test_ping_says_how_the_run_ended(run: Run, receivers: list[Receiver], code: int, path: str) -> None:
    assert run.tell(Notify(0, ping=receivers[0].url), Notices(), code) == []
    assert [(each.method, each.path) for each in receivers[0].requests] == [("GET", path)]


def test_ping_without_a_store(receivers: list[Receiver]) -> None:
    lines: list[str] = []
    settings = Notify(0, alertmanager=(receivers[0].url,), ping=receivers[1].url)
    Notifier(CONFIG, settings, None).tell([], 3, lines.append)
    assert (receivers[0].requests, lines) == ([], [])
    assert [each.path for each in receivers[1].requests] == ["/hook/fail"]


def test_cause_that_is_not_told_yet_reaches_no_receiver(run: Run, receivers: list[Receiver]) -> None:
    settings = Notify(0, alertmanager=(receivers[0].url,), webhook=Webhook(receivers[1].url))
    run.tell(settings, Notices("r", (Known(HALTED, SEEN),)))
    assert receivers[0].requests == receivers[1].requests == []
