"""`watchman wait`: its exit codes, what counts, and that it asks for little."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.support.faulty_server import Proxy
from tests.support.redis_server import RedisServer
from tests.support.stored import put_snapshot
from tests.support.watchman import Watchman
from watchman_cli import StatusRecord, snapshot
from watchman_cli.store import open_store

AHEAD = -30  # collected after a wait that is about to begin


@pytest.fixture
def store(watchman: Watchman, tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    folder.mkdir()
    watchman.configure(f"file://{folder}", [{"owner": "o", "repo": "r", "host": "h", "port": 1}])
    return folder


@pytest.fixture
def put(store: Path) -> Callable[..., None]:
    def put(status: str, age: float = AHEAD, path: str = "/s/t") -> None:
        put_snapshot(store, "o/r", [StatusRecord("/s", "active"), StatusRecord(path, status)], age=age)

    return put


@pytest.mark.parametrize(
    ("status", "code"), [("complete", 0), ("suspended", 0), ("aborted", 1), ("unknown", 1), ("active", 4)]
)
def test_exit_codes(put: Callable[..., None], watchman: Watchman, status: str, code: int) -> None:
    put(status)
    wanted = ["--until", "complete", "--until", "suspended", "--or", "aborted", "--or", "unknown"]
    result = watchman.run("wait", "r", "/s/t", *wanted, "--timeout", "0")
    assert result.code == code
    said = result.err if code == 4 else result.text
    assert said.strip().endswith(f"o/r: /s/t is {status}" + (" after 0 s" if code == 4 else ""))


@pytest.mark.parametrize(
    ("age", "max_age", "code"), [(60, "0s", 4), (60, "50s", 4), (60, "5m", 0), (AHEAD, "0s", 0)]
)
def test_a_stale_snapshot_does_not_count(
    put: Callable[..., None], watchman: Watchman, age: float, max_age: str, code: int
) -> None:
    put("complete", age=age)
    assert watchman.run("wait", "r", "/s/t", "--timeout", "0", "--max-age", max_age).code == code


def test_it_ends_when_a_new_snapshot_has_the_status(
    put: Callable[..., None], watchman: Watchman, store: Path
) -> None:
    """No snapshot at first, then one that is not valid, one without the node, one that is stale."""
    with watchman.start("wait", "o/r", "/s/t") as process:
        assert process.stderr and process.stdout
        assert b"no snapshot" in process.stderr.readline()
        (store / "o/r").mkdir(parents=True)
        (store / "o/r/status.json").write_text("[]")
        assert b"is not valid" in process.stderr.readline()
        put("complete", path="/s/other")
        put("complete", age=600)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(3)
        put("complete")
        assert process.wait(60) == 0
        assert process.stdout.read() == b"o/r: /s/t is complete\n"


def test_the_same_records_collected_later_count(put: Callable[..., None], watchman: Watchman) -> None:
    put("complete", age=600)
    with watchman.start("wait", "o/r", "/s/t") as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(3)
        put("complete")
        assert process.wait(60) == 0


def test_it_judges_and_prints_one_snapshot(redis: RedisServer, watchman: Watchman) -> None:
    """The store moves on between the look at the first bytes and the reading, and back."""

    def value(status: str, age: float) -> bytes:
        time = datetime.now(timezone.utc) - timedelta(seconds=age)
        records = b'{"path":"/","status":"active"},{"path":"/s","status":"%s"}' % status.encode()
        return snapshot.encode(time.isoformat(timespec="microseconds"), "RUNNING", [records])

    stored = iter(
        [value("queued", 60), value("complete", 60), value("queued", AHEAD), value("queued", AHEAD)]
    )

    def on_request(data: bytes) -> None:
        if b"GETRANGE" in data:
            redis.client.set("o/r/status", next(stored, value("queued", AHEAD)))

    with Proxy(redis.port, on_request=on_request) as proxy:
        watchman.configure(
            f"redis://127.0.0.1:{proxy.port}/0", [{"owner": "o", "repo": "r", "host": "h", "port": 1}]
        )
        result = watchman.run("wait", "o/r", "/s", "--timeout", "1s")
    assert next(stored, None) is None
    assert (result.code, result.text) == (4, "")
    assert "/s is queued after 1 s" in result.err


def test_a_store_that_cannot_be_reached(store: Path, watchman: Watchman) -> None:
    result = watchman.run("wait", "o/r", "/s", "--store", "file:///no/such")
    assert (result.code, result.text) == (3, "")


def test_interrupted(watchman: Watchman, store: Path) -> None:
    with watchman.start("wait", "o/r", "/s/t") as process:
        assert process.stderr
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130


def test_the_first_bytes_are_read_alone(redis: RedisServer, store: Path, put: Callable[..., None]) -> None:
    put("complete")
    for url in (redis.url, f"file://{store}"):
        opened = open_store(url)
        try:
            assert opened.head("o/absent") == b""
            if url == redis.url:
                redis.client.set("o/r/status", (store / "o/r/status.json").read_bytes())
            value = opened.value("o/r", "status")
            assert value and opened.head("o/r") == value[:256]
        finally:
            opened.close()
