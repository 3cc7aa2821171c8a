"""The documentation is what the code is: nothing generated is stale, links lead somewhere, it builds."""

from __future__ import annotations

import html
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import watchman_cli
from tests.docs import generate, page_picture, picture
from tests.docs.pages import DOCS, PAGES, ROOT, anchors, links

KNOWN_HOSTS = re.compile(
    r"(?:www\.)?(?:w3|monitoring-plugins|textualize|semver|matplotlib|keepachangelog|json-schema)\.(?:org|com|io)"
    r"|purl\.org|creativecommons\.org|redis\.io|cloudevents\.io|developer\.mozilla\.org|github\.com"
    r"|www\.debian\.org|(?:.+\.)?example\.(?:org|com|net)"
)
OTHER_PROJECTS = re.compile(rb"github\.com/(?!(?:ecmwf/ecflow|prometheus/node_exporter)\b)")


@pytest.mark.parametrize("page", generate.PAGES, ids=lambda page: page.name)
def test_nothing_generated_is_stale(page: Path) -> None:
    text = page.read_text()
    assert text == generate.filled(text), f"{page.name} is stale: run make docs"


def test_everything_that_can_be_generated_is_in_a_page() -> None:
    found = {block[2] for page in generate.PAGES for block in generate.BLOCK.finditer(page.read_text())}
    assert found == set(generate.blocks())


def test_the_picture_of_a_terminal_is_not_stale() -> None:
    stored = picture.PICTURE.read_text()
    assert picture.lines(stored) == picture.lines(picture.draw()), "the picture is stale: run make docs"
    assert "url(" not in re.sub(r"url\(#[\w-]+\)", "", stored), "a viewer would load something"


def test_the_picture_of_a_page_is_not_stale() -> None:
    assert page_picture.stored() == page_picture.drawn_from(), "the picture is stale: run make docs"
    assert page_picture.PICTURE.stat().st_size < 150_000


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 180


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    wrong = [link for link in links(page) if not leads_somewhere(page, link)]
    assert wrong == []


def leads_somewhere(page: Path, link: str) -> bool:
    """Return whether a link's file and heading exist; those of other projects are not looked at."""
    target, _, anchor = link.partition("#")
    if target.startswith(("https://", "http://")):
        return True
    file = page.parent / target if target else page
    return file.exists() and (not anchor or anchor in anchors(file))


def test_every_page_is_in_the_navigation() -> None:
    navigation = str(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])
    assert [page.name for page in DOCS if f"'{page.name}'" not in navigation] == []


def test_no_address_is_invented() -> None:
    """Every host that a file names is another project's, or cannot exist."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    texts = {name: (ROOT / name).read_bytes() for name in tracked.stdout.splitlines()}
    found = {
        (name, host)
        for name, text in texts.items()
        for host in re.findall(r"https?://([a-z][\w.-]*\.[a-z]{2,})", text.decode("latin-1"))
        if not KNOWN_HOSTS.fullmatch(host)
    }
    assert found == set()
    assert {name for name, text in texts.items() if OTHER_PROJECTS.search(text)} == set()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the site, which is built without a warning, and without a network."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    nowhere = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    environment = {**os.environ, **nowhere, "NO_MKDOCS_2_WARNING": "1"}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    return folder


def test_the_site_loads_nothing_from_other_hosts(site: Path) -> None:
    loaded = re.compile(r'<(?:script|link|img)[^>]+(?:src|href)="?(https?://[^" >]+)')
    found = {url for page in site.rglob("*.html") for url in loaded.findall(page.read_text())}
    assert {url for url in found if "watchman" not in url} == set()


@pytest.mark.parametrize("name", watchman_cli.__all__)
def test_each_public_name_is_on_the_api_s_page(site: Path, name: str) -> None:
    page = (site / "api" / "index.html").read_text()
    after = page.partition(f'id="watchman_cli.{name}"')[2]
    assert after, f"{name} is not on the page"
    if name == "__version__":  # a string, which has no docstring of its own
        return
    text = " ".join(html.unescape(re.sub(r"<[^>]+>", "", after)).split())
    docstring = " ".join((inspect.getdoc(getattr(watchman_cli, name)) or "").replace("`", "").split())
    assert docstring and docstring in text
