"""A real cron of Debian, whose minutes are short, and the mails that it sends; see `make .venv/cron`.

It sees directories of its own in place of the machine's, so that it starts no job of the machine.
"""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from tests.conftest import require_namespace

PROGRAMS = Path(__file__).parent.parent.parent / ".venv" / "cron"
SPEED = 20  # times as fast as real time: a run each three seconds
# $0 is the test's directory.
INSIDE = """
set -e
for each in etc usr/sbin; do
  mkdir "$0/work-${each#*/}"
  mount -t overlay overlay -o "lowerdir=/$each,upperdir=$0/$each,workdir=$0/work-${each#*/}" "/$each"
done
mount --bind "$0/etc/cron.d" /etc/cron.d
mount --bind "$0/spool" /var/spool
mount -t tmpfs tmpfs /run
exec "$@"
"""
SENDMAIL = """#!/bin/sh
cat >{mails}/part.$$ && mv {mails}/part.$$ {mails}/mail.$$
"""


class Cron:
    """Starts commands each minute, as root; a context manager."""

    def __init__(self, home: Path, commands: list[str]) -> None:
        require_namespace("--mount")
        if not PROGRAMS.exists():
            raise RuntimeError("no cron here: run the tests with `make test`, which fetches it")
        self._home, self._mails = home, home / "mails"
        for folder in ("mails", "etc/cron.d", "etc/pam.d", "usr/sbin", "spool/cron/crontabs"):
            (home / folder).mkdir(parents=True)
        lines = ["MAILTO=ops", *(f"* * * * * root {command}" for command in commands), ""]
        (home / "etc" / "cron.d" / "jobs").write_text("\n".join(lines))
        (home / "etc" / "crontab").write_text("")
        (home / "etc" / "pam.d" / "cron").write_bytes((PROGRAMS / "etc" / "pam.d" / "cron").read_bytes())
        sendmail = home / "usr" / "sbin" / "sendmail"
        sendmail.write_text(SENDMAIL.format(mails=self._mails))
        sendmail.chmod(0o755)
        for file in home.rglob("*"):  # cron refuses a table that others can write
            file.chmod(0o755 if file.is_dir() or file == sendmail else 0o644)

    def __enter__(self) -> Cron:
        (library,) = PROGRAMS.glob("usr/lib/*/faketime/libfaketime.so.1")
        cron = [str(PROGRAMS / "usr" / "sbin" / "cron"), "-f", "-L", "0"]
        preload = ["env", f"LD_PRELOAD={library}", f"FAKETIME=+0 x{SPEED}"]
        inside = ["unshare", "--mount", "--propagation", "private", "sh", "-c", INSIDE, str(self._home)]
        self._process = subprocess.Popen([*inside, *preload, *cron], start_new_session=True)
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def mails(self) -> list[str]:
        """Return the texts of the mails, without their heads, in the order of their times."""
        files = sorted(self._mails.glob("mail.*"), key=lambda file: file.stat().st_mtime_ns)
        return [file.read_text().partition("\n\n")[2] for file in files]
