"""The documentation's picture of a terminal: what the demo's commands print on one, as an SVG."""

from __future__ import annotations

import io
import os
import pty
import re
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from tests.demo import running_suite
from tests.support.watchman import Watchman, read_terminal

PICTURE = Path(__file__).parent.parent.parent / "docs" / "images" / "terminal.svg"
COMMANDS = (("list",), ("show", "demo/forecast"))
WIDTH = 80
THEME = TerminalTheme((24, 26, 31), (222, 226, 230), [(40, 44, 52)] * 8, [(160, 160, 160)] * 8)
# without rich's font, which a viewer would load from another host
FORMAT = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.S)


def on_terminal(watchman: Watchman, *arguments: str) -> str:
    """Return what a command prints on a terminal with 256 colours."""
    ours, theirs = pty.openpty()
    environment = watchman.environment(TERM="xterm-256color", COLUMNS=str(WIDTH), LINES="50")
    process = watchman.start(*arguments, environment=environment, stdin=theirs, stdout=theirs)
    os.close(theirs)
    text = read_terminal(ours).decode()
    assert process.wait() == 0
    return text.replace("\r\n", "\n")


def draw() -> str:
    """Run the demo's commands, and return the picture of them."""
    with tempfile.TemporaryDirectory(prefix="watchman-docs-") as folder:
        with running_suite(Path(folder)) as watchman:
            assert watchman.collect().code == 0
            console = Console(
                record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="256"
            )
            for arguments in COMMANDS:
                console.print(Text("$ watchman " + " ".join(arguments), style="bold"))
                console.print(Text.from_ansi(on_terminal(watchman, *arguments)))
    return console.export_svg(title="watchman", theme=THEME, code_format=FORMAT, unique_id="watchman")


def lines(picture: str) -> list[str]:
    """Return the words of a picture line by line, without the times and ages that differ in each run."""
    found: dict[str, str] = {}
    for element in ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}text"):
        line = element.get("y", "")
        found[line] = found.get(line, "") + (element.text or "").replace("\xa0", " ")
    times = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|\d+ s\b")
    return [times.sub("TIME", line).rstrip() for line in found.values()]


def write() -> None:
    """Write the picture where its words are others than before."""
    new = draw()
    if not PICTURE.exists() or lines(PICTURE.read_text()) != lines(new):
        PICTURE.write_text(new)
        print(f"written: docs/images/{PICTURE.name}")
