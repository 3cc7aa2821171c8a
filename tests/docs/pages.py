"""The pages of the documentation, their examples, headings and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [*sorted(ROOT.glob("*.md")), *DOCS, ROOT / "benchmarks" / "README.md"]
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.S | re.M)


class Example(NamedTuple):
    """A block of code in a page."""

    page: str
    number: int
    language: str
    code: str

    @property
    def id(self) -> str:
        return f"{self.page}-{self.number}"


def examples(*languages: str) -> list[Example]:
    """Return the blocks of code in these languages, of all pages."""
    return [
        Example(str(page.relative_to(ROOT)), number, language, code)
        for page in PAGES
        for number, (language, code) in enumerate(FENCE.findall(page.read_text()), 1)
        if language in languages
    ]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page: those of its headings, as GitHub and mkdocs make them, and its own."""
    text = FENCE.sub("", page.read_text())
    headings = {slug(heading) for heading in re.findall(r"^#+ (.*)$", text, re.M)}
    return headings.union(re.findall(r'<a id="([\w-]+)">', text))


def slug(heading: str) -> str:
    """Return a heading's anchor."""
    plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")


def links(page: Path) -> Iterator[str]:
    """Yield where a page's links and pictures lead."""
    text = re.sub(r"`[^`\n]*`", "", FENCE.sub("", page.read_text()))
    yield from re.findall(r"\]\(([^)\s]+)\)", text)
    yield from re.findall(r"^\[[^]]+\]: (\S+)", text, re.M)
