"""A root of a Debian release, in which commands run before and after its systemd is started."""

from __future__ import annotations

import subprocess
from contextlib import AbstractContextManager
from pathlib import Path

from tests.support.loopback import await_true
from tests.support.release import ENTER

HERE = Path(__file__).parent
APT = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-y", "--no-install-recommends")


def make_bare_root(suite: str, root: Path) -> None:
    """Make a root with the essential packages and apt, which reaches the mirror as this machine does."""
    config = root.with_name("apt.conf")
    config.write_text(subprocess.check_output(["apt-config", "dump", "Acquire"], text=True))
    hook = 'for file in resolv.conf hosts; do cp -L "/etc/$file" "$1/etc/$file"; done'
    command = ["mmdebstrap", "--variant=apt", f"--aptopt={config}", f"--customize-hook={hook}"]
    mirror = subprocess.check_output([ENTER.with_name("mirror")], text=True).strip()
    subprocess.run([*command, suite, root, mirror], check=True, capture_output=True)


def copy_root(root: Path, name: str) -> Path:
    """Return a copy of a root, beside it."""
    copy = root.with_name(f"{root.name}-{name}")
    subprocess.run(["cp", "-a", "--reflink=auto", root, copy], check=True)
    return copy


def run_in(root: Path, *command: str) -> str:
    """Run a command in the root, without its systemd; return standard output."""
    result = subprocess.run([ENTER, root, *command], capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
    return result.stdout


class Machine(AbstractContextManager["Machine"]):
    """A root whose systemd runs."""

    def __init__(self, root: Path) -> None:
        self._boot = subprocess.Popen(
            [HERE / "boot", root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._boot.stdout
        parent = self._boot.stdout.readline().strip()
        children = Path(f"/proc/{parent}/task/{parent}/children")
        self._pid = await_true(lambda: children.read_text().split(), "nothing was started")[0]
        await_true(self._is_booted, "systemd did not start its units", 60)

    def _is_booted(self) -> bool:
        state = self.ask("systemctl", "is-system-running")
        return state.stdout.strip() in ("running", "degraded")

    def ask(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command as root, and return how it ended."""
        enter = ["nsenter", f"--target={self._pid}", "--all", "--root", "--wd"]
        return subprocess.run([*enter, *command], capture_output=True, text=True, check=False)

    def run(self, *command: str) -> str:
        """Run a command as root that must succeed; return standard output."""
        result = self.ask(*command)
        assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
        return result.stdout

    def __exit__(self, *_: object) -> None:
        self._boot.communicate()
