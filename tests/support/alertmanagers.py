"""Two real Alertmanagers in a cluster, and a receiver of their messages."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.request
from collections import Counter
from contextlib import ExitStack
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from tests.support.loopback import accepts, await_true, free_port
from tests.support.monitoring import PROGRAMS, with_templates

# Shorter than the defaults. Each instance waits the peer-timeout times its position before it sends: the
# interval must be longer, or it sends what it knew before.
INTERVAL = 5  # seconds
SETTLED = 4  # seconds after its start in which an instance gets the log of what its peer has sent
STEP = 6  # seconds after a message until each instance knows that it was sent
ROUTE = {
    "receiver": "test",
    "group_by": ["..."],  # a message for each alert
    "group_wait": "1s",
    "group_interval": f"{INTERVAL}s",
    "repeat_interval": "3h",
}


class Alertmanagers:
    """Two instances; a context manager. `messages` counts each status and cause that was sent."""

    def __init__(self, home: Path) -> None:
        self.messages: Counter[tuple[str, str]] = Counter()
        self._home = home
        self._ports, self._peers = [free_port(), free_port()], [free_port(), free_port()]
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._receiver = self._make_receiver()

    @property
    def urls(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self._ports]

    def __enter__(self) -> Alertmanagers:
        if not PROGRAMS.exists():
            raise RuntimeError("no Alertmanager here: run the tests with `make test`, which fetches it")
        with ExitStack() as stack:
            threading.Thread(target=self._receiver.serve_forever, daemon=True).start()
            stack.callback(self._receiver.server_close)
            stack.callback(self._receiver.shutdown)
            stack.callback(self.kill, 0)
            stack.callback(self.kill, 1)
            hook = {"url": f"http://127.0.0.1:{self._receiver.server_address[1]}/"}
            settings = {"route": ROUTE, "receivers": [{"name": "test", "webhook_configs": [hook]}]}
            (self._home / "alertmanager.yaml").write_text(yaml.safe_dump(settings))
            self.start(0)
            self.start(1)
            time.sleep(SETTLED)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start(self, number: int) -> None:
        """Start an instance, and wait until both know each other."""
        port, own, peer = self._ports[number], self._peers[number], self._peers[1 - number]
        log = (self._home / f"alertmanager{number}.log").open("ab")
        self._processes[number] = subprocess.Popen(
            [
                *with_templates(),
                str(PROGRAMS / "usr" / "bin" / "prometheus-alertmanager"),
                f"--config.file={self._home}/alertmanager.yaml",
                f"--storage.path={self._home}/data{number}",
                f"--web.listen-address=127.0.0.1:{port}",
                f"--cluster.listen-address=127.0.0.1:{own}",
                f"--cluster.peer=127.0.0.1:{peer}",
                "--cluster.peer-timeout=600ms",
                "--cluster.gossip-interval=50ms",
                "--cluster.pushpull-interval=2s",  # a message of gossip may be lost on a busy machine
                "--cluster.settle-timeout=2s",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        log.close()
        await_true(lambda: accepts(port), f"Alertmanager {number} did not start")
        running = [each for each, process in self._processes.items() if process.poll() is None]
        for each in running:
            ready = partial(self._is_ready, self._ports[each], len(running))
            await_true(ready, f"Alertmanager {each} is not ready")

    def kill(self, number: int) -> None:
        """Kill an instance."""
        process = self._processes.get(number)
        if process is not None:
            process.kill()
            process.wait()

    def await_message(self, status: str, cause: str) -> None:
        """Wait until a cause was sent with a status."""
        await_true(lambda: self.messages[status, cause], f"{cause} is not {status}: {self.messages}", 90)
        time.sleep(STEP)

    def _is_ready(self, port: int, peers: int) -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/status", timeout=30) as reply:
            cluster: dict[str, Any] = json.load(reply)["cluster"]
        return cluster["status"] == "ready" and len(cluster["peers"]) >= peers

    def _make_receiver(self) -> ThreadingHTTPServer:
        messages = self.messages

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                for each in sent["alerts"]:
                    messages[each["status"], each["labels"]["cause"]] += 1
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        return ThreadingHTTPServer(("127.0.0.1", 0), Handler)
