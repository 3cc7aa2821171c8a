"""A shortage of this machine is named as such, and costs only what it concerns."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from watchman_cli.ecflow_client import OutOfResources
from watchman_cli.ecflow_client.resolve import resolve

CONNECT = """
import os, resource, time
from watchman_cli.ecflow_client import EcflowError
from watchman_cli.ecflow_client.transport import connect
resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) - 1,) * 2)
try:
    connect("127.0.0.1", 1, time.monotonic() + 5)
except EcflowError as error:
    print(error.kind)
"""


def test_no_descriptor_for_a_socket_is_a_shortage() -> None:
    assert subprocess.check_output([sys.executable, "-c", CONNECT], text=True) == "resources\n"


def test_no_thread_to_look_a_name_up_is_a_shortage_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", refuse)
    for _ in range(2):  # the first leaves nothing for which the second would wait
        with pytest.raises(OutOfResources, match=r"(?:^|\W)no more threads$"):
            resolve("localhost", 1, time.monotonic() + 5)
