"""`watchman page`, read in a real browser."""

from __future__ import annotations

import base64
import http.server
import json
import re
import stat
import threading
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from benchmarks.environment import tree
from tests.integration.test_collect import load_seven
from tests.support.browser import chromium
from tests.support.ecflow_server import EcflowServer
from tests.support.redis_server import RedisServer
from tests.support.stored import ago, put_snapshot, since
from tests.support.watchman import Watchman
from watchman_cli import StatusRecord
from watchman_cli.deadlines import DeadlineState, Matches
from watchman_cli.health import Failure, Health

HOSTILE = "</script><script>marked=1</script><img src=x onerror=marked=1>\"'--><!--&lt;\u2028\u202e\x07"
# The least contrast of a text with what is behind it, of all texts that can be seen.
LEAST_CONTRAST = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const linear = (c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = (colour) => [0.2126, 0.7152, 0.0722]
    .reduce((sum, share, i) => sum + share * linear(colour[i] / 255), 0);
  let least = [99, ""];
  for (const element of document.querySelectorAll("body *")) {
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) continue;
    if (!element.checkVisibility() || element.closest("option, noscript, script, .skip")) continue;
    let behind = element;
    while (behind && parse(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
    const { color } = getComputedStyle(element);
    const { backgroundColor } = getComputedStyle(behind || document.body);
    const two = [light(parse(color)), light(parse(backgroundColor))].sort((a, b) => b - a);
    const ratio = (two[0] + 0.05) / (two[1] + 0.05);
    if (ratio < least[0]) least = [ratio, element.outerHTML.slice(0, 200)];
  }
  return least;
}"""

Read = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve the test's folder, and return its address and the paths that were asked for."""
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: Any) -> None:
            asked.append(self.path)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


@pytest.fixture
def read(browser: Browser, tmp_path: Path) -> Iterator[Read]:
    """Return a function that opens the page; in the end, nothing was asked for or complained of by any."""
    wrong: list[str] = []
    contexts = []

    def open_page(init: str = "", waits: bool = True, clock: str = "", **options: Any) -> Page:
        own = page_file(tmp_path).as_uri()
        context = browser.new_context(**options)
        contexts.append(context)
        context.on("console", lambda message: wrong.append(message.text))
        context.on("weberror", lambda error: wrong.append(str(error.error)))
        context.on("request", lambda request: wrong.append(request.url))
        opened = context.new_page()
        if init:
            opened.add_init_script(init)
        if clock:
            opened.clock.install(time=clock)
        opened.goto(own)
        if waits and options.get("java_script_enabled", True):
            expect(opened.get_by_role("tree")).to_be_visible()
        return opened

    yield open_page
    for context in contexts:
        context.close()
    assert set(wrong) <= {page_file(tmp_path).as_uri()}


def page_file(folder: Path) -> Path:
    return folder / "page.html"


def configured(watchman: Watchman, folder: Path, *names: str) -> None:
    servers = [{"owner": "o", "repo": name, "host": "h", "port": 1} for name in names]
    watchman.configure(f"file://{folder}/store", servers)


def make(watchman: Watchman, folder: Path, *arguments: str, code: int = 0) -> str:
    result = watchman.run("page", "--output", str(page_file(folder)), *arguments)
    assert (result.code, result.text, result.err) == (code, "", "")
    return page_file(folder).read_text()


def row(page: Page, name: str) -> Locator:
    """Return the item of the tree with this name."""
    name_of = page.locator(".name", has_text=re.compile(rf"^{re.escape(name)}$"))
    return page.locator('[role="treeitem"]').filter(has=name_of)


def names(page: Page) -> list[str]:
    return [text.strip() for text in page.locator("#tree .name").all_inner_texts()]


FORECAST = [
    StatusRecord("/fc", "aborted", since(7900)),
    StatusRecord("/fc/get", "complete"),
    *[StatusRecord(f"/fc/get/step_{number:03}", "complete") for number in range(20)],
    StatusRecord("/fc/model", "aborted", since(7800)),
    *[StatusRecord(f"/fc/model/before_{number:03}", "complete") for number in range(20)],
    StatusRecord("/fc/model/run", "aborted", since(7800), ("task_aborted",)),
    StatusRecord("/fc/plot", "active", since(100)),
    StatusRecord("/fc/plot/map", "active", since(100), ("late",)),
    StatusRecord("/other", "queued"),
    *[StatusRecord(f"/other/{number}", "queued") for number in range(450)],
]


@pytest.fixture
def forecast(watchman: Watchman, tmp_path: Path) -> str:
    """Make the page of a server with a little of everything, and return its text."""
    put_snapshot(tmp_path / "store", "o/fc", FORECAST)
    configured(watchman, tmp_path, "fc")
    return make(watchman, tmp_path)


def test_a_real_server(
    ecflow: EcflowServer,
    redis: RedisServer,
    watchman: Watchman,
    browser: Browser,
    web: tuple[str, list[str]],
    tmp_path: Path,
) -> None:
    load_seven(ecflow)
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", "address": ecflow}])
    assert watchman.collect().code == 0
    requests = ecflow.requests()
    make(watchman, tmp_path, "r")
    assert ecflow.requests() == requests
    address, asked = web
    page = browser.new_page()
    page.goto(f"{address}/page.html")
    page.get_by_role("button", name="Unfold all").click()
    found = page.evaluate(
        """() => [...document.querySelectorAll("[role=treeitem]")].map((item) => {
             const names = [];
             for (let at = item; at; at = at.closest("[role=group]")?.previousElementSibling)
               names.unshift(at.querySelector(".name").textContent);
             return ["/" + names.slice(1).join("/"), item.querySelector(".badge").textContent];
           })"""
    )
    assert found == ecflow.snapshot()["records"]
    causes = page.locator(".causes a").all_inner_texts()
    assert causes == ["o/r /forecast/f/aborted"]
    assert asked == ["/page.html"]
    page.close()


def test_it_can_be_read_without_script(forecast: str, read: Read) -> None:
    page = read(java_script_enabled=False)
    text = page.locator("body").inner_text()
    for words in (
        "1 ✕ CRITICAL",
        "o/fc /fc/model/run",
        "RUNNING, collected 20",
        " s before this page",
        "3 aborted, 2 active, 451 queued, 41 complete",
        "497 nodes, ",
        "… 20 complete",
        "450 queued below",
        "JavaScript unfolds it",
    ):
        assert words in text, words
    assert not page.get_by_role("search").is_visible()
    assert "run" in names(page) and "before_000" not in names(page)
    page.locator("summary", has_text="model").click()
    assert not page.get_by_text("task_aborted").last.is_visible()


def test_it_folds_what_is_complete_and_unfolds_it(forecast: str, read: Read) -> None:
    page = read()
    shown = ["o/fc", "fc", "get", "model", "run", "plot", "map", "other"]
    assert names(page) == shown
    row(page, "get").click()
    assert len(names(page)) == len(shown) + 20
    row(page, "get").click()
    assert names(page) == shown
    page.get_by_text("… 20 complete").click()
    assert names(page)[4:24] == [f"before_{number:03}" for number in range(20)]
    page.get_by_role("button", name="Fold all", exact=True).click()
    assert names(page) == ["o/fc"]
    page.locator(".causes a").first.click()
    expect(row(page, "run")).to_be_focused()
    row(page, "other").click()
    assert row(page, "other").locator("+ ul [role=treeitem]").count() == 201
    page.get_by_text("… 250 more here: 250 queued").click()
    expect(row(page, "200")).to_be_focused()
    page.get_by_text("… 50 more here: 50 queued").click()
    assert row(page, "other").locator("+ ul [role=treeitem]").count() == 450


def test_search_and_filters(forecast: str, read: Read) -> None:
    page = read()
    count = page.locator("#count")

    def expect_count(words: str) -> None:
        expect(count).to_have_text(words)

    expect_count("497 nodes.")
    page.get_by_label("Search names or paths").fill("STEP_00")
    expect_count("10 of 497 nodes match.")
    assert names(page) == ["o/fc", "fc", "get", *[f"step_00{number}" for number in range(10)]]
    page.get_by_label("Search names or paths").fill("/fc/model/")
    expect_count("21 of 497 nodes match.")
    page.get_by_role("checkbox", name=re.compile("^aborted")).check()
    expect_count("1 of 497 nodes match.")
    page.get_by_role("button", name="Clear").click()
    expect_count("497 nodes.")
    page.get_by_label("Flag").select_option("late")
    expect_count("1 of 497 nodes match.")
    assert names(page) == ["o/fc", "fc", "plot", "map"]
    page.get_by_label("Flag").select_option("with any flag")
    expect_count("2 of 497 nodes match.")
    page.get_by_label("Flag").select_option("with or without")
    page.get_by_label("Status lasts at least").select_option("1 h")
    expect_count("3 of 497 nodes match.")
    page.locator(".causes a", has_text="/fc/plot/map").click()  # which the filter hides
    expect(row(page, "map")).to_be_focused()
    expect_count("497 nodes.")
    page.get_by_label("Search names or paths").fill("no such")
    expect_count("0 of 497 nodes match.")
    assert count.get_attribute("role") == "status"


def test_by_keyboard_alone(forecast: str, read: Read) -> None:
    page = read()
    press = page.keyboard.press
    press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the nodes"
    press("Enter")
    press("/")
    expect(page.get_by_label("Search names or paths")).to_be_focused()
    while page.evaluate("document.activeElement.getAttribute('role')") != "treeitem":
        press("Tab")
    expect(row(page, "o/fc")).to_be_focused()
    for key, name in (
        ("ArrowRight", "fc"),
        ("ArrowDown", "get"),
        ("ArrowRight", "get"),
        ("ArrowRight", "step_000"),
        ("ArrowLeft", "get"),
        ("ArrowUp", "fc"),
        ("End", "other"),
        ("Home", "o/fc"),
        ("ArrowLeft", "o/fc"),
    ):
        press(key)
        expect(row(page, name)).to_be_focused()
    assert row(page, "o/fc").get_attribute("aria-expanded") == "false"
    for key, open_ in (("Enter", "true"), (" ", "false"), ("*", "true")):
        press(key)
        assert row(page, "o/fc").get_attribute("aria-expanded") == open_
    assert row(page, "get").get_attribute("aria-level") == "3"
    assert row(page, "get").get_attribute("aria-posinset") == "1"
    assert row(page, "get").get_attribute("aria-setsize") == "3"
    assert page.locator('[tabindex="0"][role="treeitem"]').count() == 1
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast(forecast: str, read: Read, scheme: str) -> None:
    page = read(color_scheme=scheme)
    ratio, element = page.evaluate(LEAST_CONTRAST)
    assert ratio >= 4.5, element
    channels = re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert (int(channels[0]) > 128) is (scheme == "light")


def test_in_print(forecast: str, read: Read) -> None:
    page = read(color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.get_by_role("search").is_visible()
    assert row(page, "run").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate(LEAST_CONTRAST)[0] >= 4.5


def test_on_a_phone_nothing_is_wider_than_the_screen(forecast: str, read: Read) -> None:
    page = read(viewport={"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_what_came_from_outside_is_text(watchman: Watchman, tmp_path: Path, read: Read) -> None:
    path = "/s/" + HOSTILE.replace("/", "\\").replace(" ", "\u00a0").replace("\x07", "")
    failing = Health(checked_time=ago(1), failures=1, error=Failure("refused", HOSTILE))
    records = [
        StatusRecord("/s", "aborted", since(9)),
        StatusRecord(path, "aborted", since(9), ("late", HOSTILE)),
    ]
    put_snapshot(tmp_path / "store", "o/r", records, age=600, record=failing)
    configured(watchman, tmp_path, "r")
    text = make(watchman, tmp_path)
    assert not set(text) & set("\u2028\u202e\x07")
    options: dict[str, bool]
    for options in ({}, {"bypass_csp": True}, {"java_script_enabled": False}):
        page = read(**options)
        assert page.locator("script").count() == 2
        assert page.locator("img").count() == 0
        body = page.locator("body").inner_text()
        assert body.count("<script>marked=1<") >= 4
        assert "</script><script>marked=1</script><img src=x onerror=marked=1>\"'--><!--&lt;???" in body
        if options.get("java_script_enabled", True):
            assert page.evaluate("typeof marked") == "undefined"


@pytest.mark.parametrize(
    ("attempt", "directive"),
    [
        ("document.body.setAttribute('style', 'color: red')", "style-src-attr"),
        (
            "document.body.append(Object.assign(document.createElement('script'), {text: '1'}))",
            "script-src-elem",
        ),
        ("document.body.append(Object.assign(new Image(), {src: 'http://127.0.0.1:9/'}))", "img-src"),
        ("fetch('http://127.0.0.1:9/').catch(() => 0)", "connect-src"),
    ],
)
def test_it_allows_itself_its_own_style_and_script_alone(
    forecast: str, browser: Browser, tmp_path: Path, attempt: str, directive: str
) -> None:
    policy = re.findall(r'Content-Security-Policy" content="([^"]*)"', forecast)
    assert len(policy) == 1 and "unsafe" not in policy[0] and policy[0].startswith("default-src 'none'; ")
    page = browser.new_page()
    page.goto(page_file(tmp_path).as_uri())
    listener = "(event) => done(event.effectiveDirective)"
    listen = (
        f"new Promise((done) => {{ addEventListener('securitypolicyviolation', {listener}); {attempt}; }})"
    )
    assert page.evaluate(listen) == directive
    page.close()


def test_servers_that_are_not_well_are_shown_as_such(watchman: Watchman, tmp_path: Path, read: Read) -> None:
    store = tmp_path / "store"
    failing = Health(checked_time=ago(1), failures=9, error=Failure("refused", "refused"))
    aborted = [StatusRecord("/s", "aborted", since(900))]
    put_snapshot(store, "o/well", [StatusRecord("/s", "complete")])
    put_snapshot(store, "o/failing", aborted, age=60, record=failing)
    put_snapshot(store, "o/dead", aborted, age=600, record=failing)
    put_snapshot(store, "o/old", aborted, age=600)
    put_snapshot(store, "o/halted", [StatusRecord("/s", "complete")], server_state="HALTED")
    (store / "o/broken").mkdir()
    (store / "o/broken/status.json").write_text("{")
    configured(watchman, tmp_path, "well", "failing", "dead", "old", "halted", "broken", "absent")
    make(watchman, tmp_path, code=1)
    options: dict[str, bool]
    for options in ({}, {"java_script_enabled": False}):
        page = read(**options)
        cards = [" ".join(text.split()) for text in page.locator(".card").all_inner_texts()]
        for card, (words, stale) in zip(
            cards,
            [
                ("✕ CRITICAL o/failing", True),
                ("✕ CRITICAL o/dead", True),
                ("✕ CRITICAL o/halted HALTED", False),
                ("? UNKNOWN o/old", True),
                ("? UNKNOWN o/broken its snapshot is not valid: ", False),
                ("? UNKNOWN o/absent no snapshot", False),
                ("✓ OK o/well RUNNING", False),
            ],
            strict=True,
        ):
            assert card.startswith(words)
            assert ("stale" in card) is stale, card
        assert "9 runs failed: refused" in cards[1] and "no run has read it since" in cards[3]
        causes = [" ".join(text.split()) for text in page.locator(".causes li").all_inner_texts()]
        assert causes[:2] == ["o/dead 9 runs failed: refused ✕ CRITICAL", "o/halted server HALTED ✕ CRITICAL"]
        assert causes[2].startswith("o/failing /s aborted for 1")
        assert causes[3] == "o/old no run has read it since ? UNKNOWN"
        assert page.locator(".causes li", has_text="stale").count() == 3
        assert page.title() == "CRITICAL: 7 ecFlow servers - watchman"
    make(watchman, tmp_path, "well", "halted")
    assert read().locator(".card").count() == 2


def test_a_deadline_that_is_missed_is_reported(watchman: Watchman, tmp_path: Path, read: Read) -> None:
    due = datetime.now(timezone.utc) - timedelta(hours=1)
    missed = DeadlineState(
        "/s complete by 06:00", due, "missed", "other", due + timedelta(minutes=1), Matches(1, 1), misses=1
    )
    record = Health(checked_time=ago(1), ok=True, deadlines=(missed,))
    put_snapshot(tmp_path / "store", "o/r", [StatusRecord("/s", "queued")], record=record)
    configured(watchman, tmp_path, "r")
    make(watchman, tmp_path)
    card = read().locator(".card")
    expect(card).to_contain_text("✕ CRITICAL")
    expect(card).to_contain_text("1 of 1 deadline missed")
    expect(card).to_contain_text("/s complete by 06:00: due ")


def test_ages_go_on_and_it_says_when_it_is_old(forecast: str, read: Read) -> None:
    made = re.findall(r'data-age="([^"]+)" data-page', forecast)[0]
    page = read(clock=made)
    age = page.locator(".card .age")
    expect(age).to_have_text(re.compile(r"^\d+ s ago$"))
    assert not page.locator("#old").is_visible() and not page.locator(".card .stale").is_visible()
    page.clock.fast_forward("05:00")
    expect(age).to_have_text(re.compile(r"^5 min( \d+ s)? ago$"))
    expect(page.locator("#old")).to_contain_text("This page was made 5 min")
    expect(page.locator(".card .stale")).to_be_visible()


def test_a_browser_that_cannot_unfold_shows_what_needs_no_script(forecast: str, read: Read) -> None:
    page = read("delete window.DecompressionStream", waits=False)
    expect(page.locator("#count")).to_contain_text("too old to unfold")
    assert "run" in names(page)
    assert not page.get_by_role("search").is_visible()


def test_a_hundred_thousand_nodes(watchman: Watchman, tmp_path: Path, read: Read) -> None:
    records = [StatusRecord("/s", "active", since(99))]
    for number, each in enumerate(tree(100_000)):
        path = "/s"
        for name in each:  # no two nodes have the same name
            path += f"/{name}_{zlib.crc32(path.encode()):08x}"
        status = ("aborted", "active", *["complete"] * 8)[number % 10]
        records.append(StatusRecord(path, status, since(number) if number % 10 < 2 else None))
    put_snapshot(tmp_path / "store", "o/r", records)
    configured(watchman, tmp_path, "r")
    assert len(make(watchman, tmp_path).encode()) < 3_000_000
    page = read()
    rows = page.locator('[role="treeitem"]')
    assert 100 < rows.count() < 2_000
    last = records[-1].path
    page.get_by_label("Search names or paths").fill(last)
    expect(page.locator("#count")).to_have_text("1 of 100,000 nodes match.")
    assert names(page) == ["o/r", *last.split("/")[1:]]
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="Unfold all").click()
    expect(page.locator("#count")).to_contain_text("rows are unfolded, as many as at once")
    assert 2_000 <= rows.count() < 6_000


def test_the_data_is_all_of_the_snapshot(forecast: str) -> None:
    packed = re.findall(r'id="data">([^<]*)<', forecast)[0]
    data = json.loads(zlib.decompress(base64.b64decode(packed)))
    paths, above = [], [""]
    for name, depth in zip(data["names"][1:], data["depths"][1:], strict=True):
        above[depth:] = [f"{above[depth - 1]}/{name}"]
        paths.append(above[depth])
    assert paths == [record.path for record in FORECAST]


def test_the_file_is_replaced_as_a_whole(watchman: Watchman, tmp_path: Path, forecast: str) -> None:
    page = page_file(tmp_path)
    before = sorted(tmp_path.iterdir())
    with page.open() as reading:
        result = watchman.run("page", "--output", str(page), umask=0)
        assert (result.code, result.err) == (0, "")
        assert reading.read() == forecast
    assert page.read_text() != forecast
    assert stat.S_IMODE(page.stat().st_mode) == 0o644
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("target", ["victim", "missing"])
def test_a_link_is_replaced_and_not_followed(watchman: Watchman, tmp_path: Path, target: str) -> None:
    watchman.configure(f"file://{tmp_path}/store", [{"owner": "o", "repo": "r", "host": "h", "port": 1}])
    put_snapshot(tmp_path / "store", "o/r", [])
    (tmp_path / "victim").write_text("precious")
    linked = tmp_path / "linked.html"
    linked.symlink_to(tmp_path / target)
    result = watchman.run("page", "--output", str(linked))
    assert (result.code, result.err) == (0, "")
    assert not linked.is_symlink() and linked.read_text().startswith("<!DOCTYPE html>")
    assert (tmp_path / "victim").read_text() == "precious" and not (tmp_path / "missing").exists()


def test_a_link_to_an_open_file_is_no_place_for_a_page(watchman: Watchman, tmp_path: Path) -> None:
    """As /dev/stdout is one, which root would replace."""
    watchman.configure(f"file://{tmp_path}/store", [{"owner": "o", "repo": "r", "host": "h", "port": 1}])
    put_snapshot(tmp_path / "store", "o/r", [])
    linked = tmp_path / "stdout"
    linked.symlink_to("/proc/self/fd/1")
    with (tmp_path / "out").open("wb") as out:
        result = watchman.run("page", "--output", str(linked), stdout=out)
    assert result.code == 1 and "a link to an open file of a process; no page was written" in result.err
    assert linked.is_symlink()


def test_standard_output_and_what_is_no_file(watchman: Watchman, tmp_path: Path, forecast: str) -> None:
    result = watchman.run("page", "--output", "-", "fc")
    assert (result.code, result.err) == (0, "")
    assert result.text.startswith("<!DOCTYPE html>")
    for output, words in (("/dev/null", "not a regular file"), ("no/page.html", "there is no directory")):
        result = watchman.run("page", "--output", output)
        assert result.code == 2
        assert words in result.err
    for arguments, code in ((("nobody",), 2), (("o/",), 2), (("--store", "file:///no/such"), 3)):
        assert watchman.run("page", "--output", str(page_file(tmp_path)), *arguments).code == code
    assert page_file(tmp_path).read_text() == forecast
