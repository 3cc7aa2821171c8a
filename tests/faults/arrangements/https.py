"""Faults of certificates, tokens and the HTTP server before ecFlow."""

from __future__ import annotations

import json
from pathlib import Path

from tests.faults.environment import FaultRun
from tests.support.certificates import Authority
from tests.support.faulty_server import http_front


def _front(run: FaultRun, chain: Path) -> None:
    """Have a server speak https with this certificate and key."""
    folder = run.folder / "front"
    folder.mkdir()
    for name in ("server.crt", "server.key"):
        (folder / name).write_text(chain.read_text())
    run.entry |= {"protocol": "https", "reader": "protocol"}
    run.set_address(run.stack.enter_context(http_front(run.environment.healthy.port, folder)))


def _authority(run: FaultRun) -> Authority:
    folder = run.folder / "authority"
    folder.mkdir()
    return Authority(folder)


def untrusted(run: FaultRun) -> None:
    """Read a server whose certificate nobody vouches for."""
    _front(run, _authority(run).self_signed("127.0.0.1"))


def another_name(run: FaultRun) -> None:
    """Read a server with the certificate of another host, which the right authority made."""
    authority = _authority(run)
    run.entry["certificate"] = str(authority.certificate)
    _front(run, authority.certify("DNS:other"))


def token_of_another(run: FaultRun) -> None:
    """Have a file of tokens with none for the server, which wants one."""
    path = run.folder / "tokens.json"
    entry = {"server": "http://another:.*", "type": "bearer", "api": {"key": "abc"}}
    path.write_text(json.dumps({"version": 1, "tokens": [entry]}))
    run.entry |= {"protocol": "http", "tokens": str(path)}
    run.answer(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")


def redirected(run: FaultRun) -> None:
    """Have the HTTP server redirect to https."""
    run.entry["protocol"] = "http"
    location = b"Location: https://127.0.0.1:8443/v1/ecflow\r\n"
    run.answer(b"HTTP/1.1 301 Moved Permanently\r\n" + location + b"Content-Length: 0\r\n\r\n")
