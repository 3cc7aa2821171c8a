"""Tab in bash, zsh and fish, with the package's files: on a terminal, from the first Tab on."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.release import ENTER

PROMPT = "ready> "
# How each is started without a user's own files, and what its users have in them.
SHELLS = {
    "bash": (("bash", "--norc", "-i"), f"PS1='{PROMPT}'; . /usr/share/bash-completion/bash_completion"),
    "zsh": (("zsh", "-f", "-i"), f"PS1='{PROMPT}'; autoload -U compinit; compinit -u"),
    "fish": (("fish", "-i"), f"function fish_prompt; echo -n '{PROMPT}'; end"),
}
LIMIT = 60.0  # seconds for an answer, on a busy machine
CONTROL = re.compile(r"\x1b\[[0-9;?>=]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[=>()][A-Z0-9]?")
CONFIG = "/etc/watchman/config.yaml"


class Terminal:
    """A shell on a terminal."""

    def __init__(self, master: int) -> None:
        self._master = master
        self.text = ""

    def type(self, keys: str) -> None:
        """Type keys. What was printed so far is forgotten."""
        self.text = ""
        os.write(self._master, keys.encode())

    def await_text(self, text: str) -> None:
        """Read until the text was printed, without its colours. Raises TimeoutError."""
        ends = time.monotonic() + LIMIT
        while text not in CONTROL.sub("", self.text):
            if time.monotonic() > ends:
                raise TimeoutError(f"{text!r} was not printed: {self.text!r}")
            if select.select([self._master], [], [], 1)[0]:
                self.text += os.read(self._master, 65536).decode(errors="replace")


@contextmanager
def shell(root: Path, name: str, *, own_files: bool = False) -> Iterator[Terminal]:
    """Start a shell in a root; with `own_files`, it reads those that its user has in /root."""
    command, settings = SHELLS[name]
    if own_files:
        command, settings = (name, "-i"), settings if name == "fish" else f"PS1='{PROMPT}'"
    master, slave = pty.openpty()
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "TERM": "xterm",
        "LANG": "C.UTF-8",
    }
    process = subprocess.Popen(
        [ENTER, root, *command],
        env=environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    try:
        terminal = Terminal(master)
        terminal.type(f"{settings}\r")
        terminal.type("echo be''gun\r")
        terminal.await_text("begun\r\n")
        yield terminal
    finally:
        process.kill()
        process.wait()
        with suppress(OSError):
            os.close(master)


def check_servers(terminal: Terminal) -> None:
    """Complete a server three times: the first Tabs can differ, since shells load functions late."""
    for _ in range(3):
        terminal.type(f"ecflow-watchman show --config {CONFIG} opera\t")
        terminal.await_text("operations/example")
        terminal.type("--help\r")
        terminal.await_text("Usage: ecflow-watchman show")
        terminal.await_text(PROMPT)


@pytest.mark.parametrize("name", SHELLS)
def test_first_tab_completes_a_command(equipped: Path, name: str) -> None:
    with shell(equipped, name) as terminal:
        terminal.type("ecflow-watchman lis\t--help\r")
        terminal.await_text("Usage: ecflow-watchman list")


@pytest.mark.parametrize("name", SHELLS)
def test_options_and_configured_servers_are_completed(equipped: Path, name: str) -> None:
    with shell(equipped, name) as terminal:
        terminal.type("ecflow-watchman --vers\t\r")
        terminal.await_text("watchman 0.")
        terminal.await_text(PROMPT)
        check_servers(terminal)


@pytest.mark.parametrize("name", SHELLS)
def test_what_the_command_installs_itself_completes(equipped: Path, name: str) -> None:
    for folder in ("zsh/vendor-completions", "bash-completion/completions", "fish/vendor_completions.d"):
        for file in (equipped / "usr/share" / folder).glob("*ecflow-watchman*"):
            file.unlink()
    with shell(equipped, name, own_files=True) as terminal:
        terminal.type("ecflow-watchman --install-completion\r")
        terminal.await_text("Completion will take effect")
        terminal.await_text(PROMPT)
    with shell(equipped, name, own_files=True) as terminal:
        check_servers(terminal)
