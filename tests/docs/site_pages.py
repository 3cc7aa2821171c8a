"""What the site of the documentation has besides docs/: pages and files of the project itself.

mkdocs knows only links inside docs/, but a reader of the repository follows `../examples/poll.py`. Both work.
The project's home, if a publisher gave it one, comes from pyproject.toml (`project.urls`).
"""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent.parent
PAGES = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "benchmarks/README.md")
SHOWN = (
    "examples/**/*",
    "schemas/*.json",
    "benchmarks/chart.svg",
    "benchmarks/thread_baseline.py",
    "crontab.example",
)


def on_config(config: MkDocsConfig) -> None:
    """Set the addresses of the site and of the repository, if the package names them."""
    urls = dict(
        each.split(", ", 1) for each in metadata.metadata("watchman-cli").get_all("Project-URL") or ()
    )
    config.site_url = urls.get("Documentation", "")
    config.repo_url = urls.get("Repository") or None


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add the pages and files outside docs/ to which pages lead."""
    found = [ROOT / page for page in PAGES]
    found += [path for pattern in SHOWN for path in sorted(ROOT.glob(pattern)) if path.is_file()]
    for path in found:
        files.append(File.generated(config, str(path.relative_to(ROOT)), abs_src_path=str(path)))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return a page's text with links that lead to the same file on the site, where docs/ is the root."""
    name = page.file.src_uri
    if name not in PAGES:
        return re.sub(r"\]\(\.\./", "](", markdown)
    return re.sub(r"\]\((\.\./)*docs/", r"](\1", markdown)
