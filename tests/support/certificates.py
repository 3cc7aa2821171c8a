"""What an ecFlow server that speaks TLS needs, made once for all tests of a process."""

from __future__ import annotations

import re
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


# An authority's key takes milliseconds; an RSA key takes a hundred times as long.
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")


class Authority:
    """An authority of a site, and the certificates that it made for servers, each in a file with its key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.certificate = folder / "ca.crt"
        request = ["req", "-x509", *_NEW_KEY, "-nodes", "-days", "2", "-subj", "/CN=Site CA"]
        self._openssl(*request, "-keyout", "ca.key", "-out", "ca.crt")

    def certify(self, name: str, *, expired: bool = False) -> Path:
        """Return a file with the certificate for a name as in subjectAltName, DNS:host or IP:address."""
        stem = re.sub(r"\W", "_", f"{name} {expired}")
        request = ["req", *_NEW_KEY, "-nodes", "-subj", f"/CN={name[4:]}"]
        self._openssl(*request, "-keyout", f"{stem}.key", "-out", f"{stem}.csr")
        (self._folder / "extension").write_text(f"subjectAltName={name}")
        made = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "extension"]
        lifetime = _in_the_past() if expired else ["-days", "2"]
        self._openssl("x509", "-req", "-in", f"{stem}.csr", *made, *lifetime, "-out", f"{stem}.crt")
        return self._with_key(stem)

    def self_signed(self, name: str) -> Path:
        """Return a file with a server's own certificate, which no authority made."""
        stem = re.sub(r"\W", "_", f"own {name}")
        request = ["req", "-x509", *_NEW_KEY, "-nodes", "-days", "2", "-subj", f"/CN={name}"]
        self._openssl(*request, "-keyout", f"{stem}.key", "-out", f"{stem}.crt")
        return self._with_key(stem)

    def _with_key(self, stem: str) -> Path:
        chain = self._folder / f"{stem}.pem"
        chain.write_text("".join((self._folder / f"{stem}.{part}").read_text() for part in ("crt", "key")))
        return chain

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self._folder, check=True, capture_output=True)


def _in_the_past() -> list[str]:
    """Return the options of `openssl x509` for a certificate that has expired."""
    done = subprocess.run(["openssl", "x509", "-help"], check=False, capture_output=True)
    if b"-not_after" in done.stderr:  # such an openssl refuses a negative number of days
        return ["-not_before", "20200101000000Z", "-not_after", "20200102000000Z"]
    return ["-days", "-1"]
