"""How a configured server is asked."""

from __future__ import annotations

from watchman_cli.config import Server
from watchman_cli.ecflow_client import Access


def access_of(server: Server) -> Access:
    """Return where a server is, and as whom it is asked."""
    return Access(
        host=server.host,
        port=server.port,
        protocol=server.protocol,
        user=server.user,
        password=server.password,
        certificate=str(server.certificate) if server.certificate else None,
        tokens=str(server.tokens) if server.tokens else None,
    )
