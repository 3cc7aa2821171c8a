"""Each protocol is named where another one is configured, HTTP among them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.certificates import put_certificate
from tests.support.ecflow_server import EcflowServer
from tests.support.release import releases
from watchman_cli.ecflow_client import Access, Client, Limits, Stats, WrongProtocol

PROTOCOLS: dict[str, tuple[dict[str, str], list[str]]] = {  # and how a server is made to speak them
    "tcp": ({}, []),
    "ssl": ({"ECF_SSL": "1"}, []),
    "http": ({}, ["--http"]),
}
ASKED = (*PROTOCOLS, "https")
SINCE = (5, 14)  # HTTP


@pytest.mark.parametrize("spoken", PROTOCOLS)
def test_each_protocol_is_named_by_each_other(
    ecflow_server: Callable[..., EcflowServer], spoken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")
    newest = max(releases(), key=lambda release: release.version)
    assert newest.version >= SINCE
    certificate = put_certificate(tmp_path / ".ecflowrc" / "ssl")
    environment, arguments = PROTOCOLS[spoken]
    server = ecflow_server(
        release=newest, environment={**environment, "HOME": str(tmp_path)}, arguments=arguments
    )
    for asked in ASKED:
        client = Client(Access(server.host, server.port, asked, certificate=str(certificate)))
        end = time.monotonic() + 30
        limits = Limits(end, end, 1 << 20)
        if asked == spoken:
            assert client.ask([Stats()], limits).statistics
            continue
        with pytest.raises(WrongProtocol) as raised:
            client.ask([Stats()], limits)
        assert (raised.value.asked, raised.value.spoken) == (asked, spoken)
