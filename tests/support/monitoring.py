"""A real node_exporter, Prometheus and Alertmanager with the shipped examples, and who gets the messages."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import urllib.request
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.conftest import require_namespace
from tests.support.loopback import accepts, await_true, free_port

ROOT = Path(__file__).parent.parent.parent
PROGRAMS = ROOT / ".venv" / "monitoring"
TEMPLATES = Path("/usr/share/prometheus/alertmanager")
# Debian's Alertmanager needs its templates, in a fixed place: the packages' files are laid over it.
OVERLAY = 'mount -t overlay overlay -o "lowerdir=$0/usr/share:/usr/share" /usr/share && exec "$@"'
LIMIT = 15  # seconds, in place of the 300 of the rules


class Message(NamedTuple):
    """One alert of a message that Alertmanager sent."""

    status: str  # firing or resolved
    name: str
    labels: dict[str, str]


class Monitoring:
    """Scrapes the files of a directory, and evaluates the example's rules, each second; a context manager."""

    def __init__(self, home: Path, textfiles: Path, rules: str) -> None:
        self.messages: list[Message] = []
        self._home, self._textfiles = home, textfiles
        self._exporter, self._prometheus, self._alertmanager = free_port(), free_port(), free_port()
        self._receiver = _receiver(self.messages)
        self._write("rules.yaml", _fast(rules))
        self._write("alertmanager.yaml", self._alertmanager_settings())
        self._write(
            "prometheus.yaml",
            {
                "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                "rule_files": ["rules.yaml"],
                "scrape_configs": [_targets(self._exporter, job_name="node")],
                "alerting": {"alertmanagers": [_targets(self._alertmanager)]},
            },
        )

    def __enter__(self) -> Monitoring:
        if not PROGRAMS.exists():
            raise RuntimeError("no Prometheus here: run the tests with `make test`, which fetches it")
        with ExitStack() as stack:
            threading.Thread(target=self._receiver.serve_forever, daemon=True).start()
            stack.callback(self._receiver.server_close)
            stack.callback(self._receiver.shutdown)
            listen = "--web.listen-address=127.0.0.1:"
            self._start(
                stack,
                "prometheus-node-exporter",
                self._exporter,
                "--collector.disable-defaults",
                "--collector.textfile",
                f"--collector.textfile.directory={self._textfiles}",
                f"{listen}{self._exporter}",
            )
            self._start(
                stack,
                "prometheus-alertmanager",
                self._alertmanager,
                f"--config.file={self._home}/alertmanager.yaml",
                f"--storage.path={self._home}/alertmanager",
                "--cluster.listen-address=",
                f"{listen}{self._alertmanager}",
                prefix=with_templates(),
            )
            self._start(
                stack,
                "prometheus",
                self._prometheus,
                f"--config.file={self._home}/prometheus.yaml",
                f"--storage.tsdb.path={self._home}/prometheus",
                "--rules.alert.resend-delay=10s",  # it finds the Alertmanager after the first alerts
                f"{listen}{self._prometheus}",
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def await_message(self, status: str, name: str) -> Message:
        """Wait until Alertmanager has sent an alert of this name and status, and return the first one."""

        def found() -> Message | None:
            return next((each for each in list(self.messages) if each[:2] == (status, name)), None)

        message: Message = await_true(found, f"no message: {name} is {status}; {self.messages}", 90)
        return message

    def alerts(self, name: str) -> list[dict[str, Any]]:
        """Return Alertmanager's alerts of a name."""
        url = f"http://127.0.0.1:{self._alertmanager}/api/v2/alerts"
        with urllib.request.urlopen(url, timeout=30) as reply:
            return [each for each in json.load(reply) if each["labels"]["alertname"] == name]

    def _start(
        self, stack: ExitStack, program: str, port: int, *arguments: str, prefix: tuple[str, ...] = ()
    ) -> None:
        command = [*prefix, str(PROGRAMS / "usr" / "bin" / program), *arguments]
        log = stack.enter_context((self._home / f"{program}.log").open("wb"))
        process = subprocess.Popen(command, cwd=self._home, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        stack.callback(process.wait)
        stack.callback(process.kill)
        await_true(lambda: accepts(port) or process.poll() is not None, f"{program} did not start")
        assert process.poll() is None, (self._home / f"{program}.log").read_text()

    def _alertmanager_settings(self) -> dict[str, Any]:
        """Return the example with its receiver at this process, and sending soon."""
        settings: dict[str, Any] = yaml.safe_load((ROOT / "examples" / "alertmanager.yaml").read_text())
        settings["route"] |= {"group_wait": "1s", "group_interval": "1s", "repeat_interval": "3h"}
        url = f"http://127.0.0.1:{self._receiver.server_address[1]}/"
        settings["receivers"][0]["webhook_configs"] = [{"url": url}]
        return settings

    def _write(self, name: str, document: object) -> None:
        (self._home / name).write_text(yaml.safe_dump(document))


def _fast(rules: str) -> Any:
    """Return rules that wait LIMIT seconds in place of minutes."""
    document = yaml.safe_load(rules)
    for group in document["groups"]:
        for rule in group["rules"]:
            rule["expr"] = rule["expr"].replace("300", str(LIMIT))
            if "for" in rule:
                rule["for"] = "0s"
    return document


def _targets(port: int, **more: str) -> dict[str, Any]:
    return {**more, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}


def with_templates() -> tuple[str, ...]:
    """Return a command's prefix with which Alertmanager finds its templates."""
    if TEMPLATES.exists():
        return ()
    namespace = ("--mount",) if os.geteuid() == 0 else ("--mount", "--map-root-user")
    require_namespace(*namespace)
    return ("unshare", *namespace, "sh", "-c", OVERLAY, str(PROGRAMS))


def _receiver(messages: list[Message]) -> ThreadingHTTPServer:
    """Return a server that appends each alert that is posted to it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            for each in sent["alerts"]:
                messages.append(Message(each["status"], each["labels"]["alertname"], each["labels"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)
