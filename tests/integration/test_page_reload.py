"""The page reloads itself, and its reader stays where they are, with the filter that they chose."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import chromium
from watchman_cli import Snapshot, StatusRecord
from watchman_cli.health import Health
from watchman_cli.output.page import REFRESH, render
from watchman_cli.readback import StoredServer

NOW = datetime.now(timezone.utc)
GOOD = Health(checked_time=NOW.isoformat(), ok=True)
TREE = [
    StatusRecord("/fc", "aborted"),
    StatusRecord("/fc/model", "aborted"),
    StatusRecord("/fc/model/run", "aborted", None, ("late",)),
    *[StatusRecord(f"/fc/model/step_{number:03}", "complete") for number in range(300)],
    StatusRecord("/other", "queued"),
    *[StatusRecord(f"/other/t{number:03}", "queued") for number in range(300)],
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """Open the page of one server."""
    write(tmp_path, [("o/fc", TREE)])
    opened = browser.new_page(viewport={"width": 1000, "height": 700})
    wrong: list[str] = []
    opened.on("console", lambda message: wrong.append(message.text))
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.goto((tmp_path / "page.html").as_uri())
    await_ready(opened)
    yield opened
    opened.close()
    assert wrong == []


def write(folder: Path, servers: Sequence[tuple[str, Sequence[StatusRecord]]], later: int = 0) -> None:
    """Write the page of these servers, made so many minutes later."""
    time = NOW + timedelta(minutes=later)
    found = [
        StoredServer(
            name, time, Snapshot(time, "RUNNING", [StatusRecord("/", "queued"), *records]), None, GOOD, "ok"
        )
        for name, records in servers
    ]
    (folder / "page.html").write_text(render(found, time))


def await_ready(page: Page) -> None:
    expect(page.locator("html[data-ready]")).to_have_count(1)


def later(page: Page, folder: Path) -> None:
    """Replace the page by one with other nodes before, and have the browser read it again."""
    before = [("o/before", [StatusRecord("/a", "aborted"), StatusRecord("/a/t", "aborted")])]
    more = [StatusRecord("/early", "queued"), *(StatusRecord(f"/early/t{n}", "queued") for n in range(9))]
    write(folder, [*before, ("o/fc", [*more, *TREE])], later=1)
    page.reload()
    await_ready(page)
    expect(page.locator(".card")).to_have_count(2)


def top(page: Page, name: str) -> float:
    item = page.locator('[role="treeitem"]', has=page.locator(".name", has_text=re.compile(rf"^{name}$")))
    box = item.bounding_box()
    assert box
    return box["y"]


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("fragment", ["", "#nodes"])
def test_it_reloads_itself(browser: Browser, tmp_path: Path, script: bool, fragment: str) -> None:
    def write_hasty(later: int) -> None:
        write(tmp_path, [("o/fc", TREE)] * later, later)
        file = tmp_path / "page.html"
        seconds = f'http-equiv="refresh" content="{REFRESH};'
        assert file.read_text().count(seconds) == 1 and REFRESH <= 60
        file.write_text(file.read_text().replace(seconds, 'http-equiv="refresh" content="1;'))

    write_hasty(1)
    context = browser.new_context(java_script_enabled=script)
    page = context.new_page()
    page.goto(f"{(tmp_path / 'page.html').as_uri()}{fragment}")
    for number in (1, 2, 3):
        expect(page.locator(".card")).to_have_count(number)
        write_hasty(number + 1)
    context.close()


def test_the_filter_stays(page: Page, tmp_path: Path) -> None:
    page.get_by_label("Search names or paths").fill("RUN")
    page.get_by_role("checkbox", name=re.compile("^aborted")).check()
    page.get_by_label("Flag").select_option("late")
    expect(page.locator("#count")).to_have_text("1 of 604 nodes match.")
    page.get_by_label("Search names or paths").focus()
    page.keyboard.press("Home")
    later(page, tmp_path)
    expect(page.locator("#count")).to_have_text("1 of 616 nodes match.")
    expect(page.get_by_label("Search names or paths")).to_have_value("RUN")
    expect(page.get_by_label("Search names or paths")).to_be_focused()
    page.keyboard.type("/")  # at the caret
    expect(page.get_by_label("Search names or paths")).to_have_value("/RUN")
    page.get_by_role("button", name="Clear").click()
    later(page, tmp_path)
    expect(page.locator("#count")).to_have_text("616 nodes.")


def test_a_flag_that_no_node_has_any_more_stays_chosen(page: Page, tmp_path: Path) -> None:
    page.get_by_label("Flag").select_option("late")
    expect(page.locator("#count")).to_have_text("1 of 604 nodes match.")
    write(tmp_path, [("o/fc", TREE[:2])], later=1)
    page.reload()
    await_ready(page)
    expect(page.get_by_label("Flag")).to_have_value("late")
    expect(page.locator("#count")).to_have_text("0 of 2 nodes match.")


def test_what_is_unfolded_and_where_the_reader_is_stay(page: Page, tmp_path: Path) -> None:
    page.get_by_text("… 300 complete").click()
    page.locator('[role="treeitem"]', has_text="step_100").click()
    page.locator('[role="treeitem"]', has_text="step_100").evaluate(
        "e => e.scrollIntoView({block: 'center'})"
    )
    where = top(page, "step_100")
    assert 0 < where < 700
    later(page, tmp_path)
    assert abs(top(page, "step_100") - where) < 2
    focused = page.locator('[role="treeitem"]:focus')
    expect(focused).to_contain_text("step_100")
    page.get_by_role("button", name="Fold all", exact=True).click()
    later(page, tmp_path)
    assert page.locator('[role="treeitem"]').count() == 2
    page.get_by_role("button", name="Unfold all").click()
    later(page, tmp_path)
    expect(page.locator('[role="treeitem"]', has_text="t150")).to_have_count(1)


def test_a_section_that_is_read_stays_where_it_is(page: Page, tmp_path: Path) -> None:
    page.evaluate("document.getElementById('servers').scrollIntoView()")
    page.evaluate("scrollBy(0, 20)")
    later(page, tmp_path)
    place = page.evaluate("document.getElementById('servers').getBoundingClientRect().top")
    assert -22 < place < -18


def test_what_is_stored_by_another_page_does_no_harm(page: Page, tmp_path: Path) -> None:
    page.get_by_text("… 300 complete").click()
    page.locator('[role="treeitem"]', has_text="step_100").click()
    write(tmp_path, [("o/other", [StatusRecord("/x", "complete")])])
    page.reload()
    await_ready(page)
    assert page.locator('[role="treeitem"]').count() == 2


@pytest.mark.parametrize("stored", ["{", "null", "{}", "[1]", '{"chosen": {"text": "x", "codes": []}}'])
def test_what_another_version_stored_does_no_harm(page: Page, tmp_path: Path, stored: str) -> None:
    page.evaluate(
        "text => addEventListener('pagehide', () => sessionStorage.setItem(sessionStorage.key(0), text))",
        stored,
    )
    page.reload()
    await_ready(page)
    expect(page.locator("#count")).to_have_text("604 nodes.")
    expect(page.locator('[role="treeitem"]', has_text="run")).to_be_visible()


def test_a_link_without_script_leads_to_the_same_node_in_a_later_page(
    browser: Browser, tmp_path: Path
) -> None:
    write(tmp_path, [("o/fc", TREE)])
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    page.locator(".causes a").first.click()
    target = page.locator("#tree li:target > .row .name")
    expect(target).to_have_text("run")
    write(tmp_path, [("o/before", TREE[:2]), ("o/fc", [StatusRecord("/a", "active"), *TREE])], later=1)
    page.reload()
    expect(page.locator(".card")).to_have_count(2)
    expect(target).to_have_text("run")
    context.close()


@pytest.mark.parametrize("control", [".causes a", ".servers a", "[name=status] >> nth=2", "#flag", "#clear"])
def test_the_focus_stays(page: Page, tmp_path: Path, control: str) -> None:
    page.locator(control).first.focus()
    told = (
        "[document.activeElement.tagName, document.activeElement.textContent, document.activeElement.value]"
    )
    before = page.evaluate(told)
    later(page, tmp_path)
    assert before[0] in ("A", "INPUT", "SELECT", "BUTTON") and page.evaluate(told) == before
