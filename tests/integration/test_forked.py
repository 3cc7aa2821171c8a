"""What most tests run, a forked process, does what a process of its own does."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from tests.support.faulty_server import FakeServer
from tests.support.watchman import Watchman


@pytest.mark.parametrize(
    "arguments",
    [
        ("--version",),
        ("collect", "--help"),
        ("config", "check"),
        ("collect", "--no-such-option"),
        ("show", "o/r"),
        ("list", "--json"),
        ("collect", "--log-format", "json", "--server", "nobody"),
    ],
    ids=" ".join,
)
def test_it_does_the_same(watchman: Watchman, arguments: tuple[str, ...]) -> None:
    watchman.configure("redis://127.0.0.1:1/0", [{"owner": "o", "repo": "r", "host": "h", "port": 1}])
    environment = watchman.environment(COLUMNS="40", NO_COLOR="1")
    forked = watchman.run(*arguments, environment=environment)
    own = replace(watchman, forked=False).run(*arguments, environment=environment)
    assert (forked.code, forked.out, forked.err) == (own.code, own.out, own.err)


def test_one_that_takes_too_long_is_killed(watchman: Watchman) -> None:
    with FakeServer(lambda connection: None) as server:
        entry = {"owner": "o", "repo": "r", "host": server.host, "port": server.port, "deadline": 60}
        watchman.configure(f"file://{watchman.home}/store", [entry])
        with pytest.raises(subprocess.TimeoutExpired):
            watchman.run("collect", timeout=3)  # it has asked by then
        (connection,) = server.connections
        connection.client.settimeout(30)
        while connection.client.recv(1 << 16):  # until its end is closed
            pass
