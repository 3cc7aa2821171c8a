"""The README as a package index shows it, where no file of the checkout is."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from tests.docs.pages import FENCE, ROOT

RELATIVE = re.compile(
    r"""\]\((?!https?://|\#)[^)]*\)"""  # a link or a picture
    r"""|^\[[^]]+\]:\s+(?!https?://)\S+"""  # a reference
    r"""|(?:src|href)=["']?(?!https?://|\#)[^"' >]+""",
    re.M,
)


def test_relative_links_are_found() -> None:
    text = "[a](docs/a.md) ![b](b.svg) [c](https://example.org) [d](#d)\n[e]: docs/e.md\n<img src='f.png'>"
    assert [found[0] for found in RELATIVE.finditer(text)] == [
        "](docs/a.md)",
        "](b.svg)",
        "[e]: docs/e.md",
        "src='f.png",
    ]


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the description in the metadata of a wheel that is built here."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = Path(folder).glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = message_from_bytes(archive.read(name))
    assert metadata["Description-Content-Type"] == "text/markdown"
    return str(metadata.get_payload(decode=True), "utf-8")  # type: ignore[arg-type]


def test_no_relative_link_or_picture_is_left(description: str) -> None:
    assert RELATIVE.search((ROOT / "README.md").read_text()), "the README itself has some"
    assert [found[0] for found in RELATIVE.finditer(FENCE.sub("", description))] == []


def test_the_text_is_the_readme_s(description: str) -> None:
    readme = (ROOT / "README.md").read_text()
    for heading in re.findall(r"^#+ .*$", readme, re.M):
        assert heading in description
    assert FENCE.findall(description) == FENCE.findall(readme)
