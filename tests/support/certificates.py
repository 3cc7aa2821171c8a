"""What an ecFlow server that speaks TLS needs, made once for all tests of a process."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.programs import find_program


def put_certificate(folder: Path, name: str = "server") -> Path:
    """Put a certificate and its key into the folder, and return the certificate; each name has its own."""
    shutil.copytree(_made(name).name, folder, dirs_exist_ok=True)
    return folder / "server.crt"


@cache
def _made(name: str) -> TemporaryDirectory[str]:
    folder = TemporaryDirectory(prefix=f"watchman-{name}-")
    request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    for command in (
        [*request, "-out", "server.crt", "-keyout", "server.key"],
        ["dhparam", "-dsaparam", "-out", "dh2048.pem", "2048"],
    ):
        subprocess.run([find_program("openssl"), *command], cwd=folder.name, check=True, capture_output=True)
    (Path(folder.name) / "dh1024.pem").symlink_to("dh2048.pem")  # its name until 5.9
    return folder
