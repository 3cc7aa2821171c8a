"""What readers show beside nodes, from a real server's details: reasons of aborts, labels, meters, lint."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from playwright.sync_api import expect

from tests.support.browser import chromium
from tests.support.ecflow_server import EcflowServer
from tests.support.redis_server import RedisServer
from tests.support.watchman import Watchman

REASON = "Script ended | with 7"
SUITE = f"""\
#5.9.2
defs_state MIGRATE state>:aborted state_change:1 modify_change:1
extern /x/ghost
suite s # state:aborted
  edit DB_PASSWORD 's3cret-value'
  family f # state:aborted
    task a # try:2 rid:4711 abort<:{REASON}>abort state:aborted
      meter progress 0 100 90 # 40
      label info "first" # "step 5 of 9"
    task b # state:queued
      trigger a == complete
    task c # state:complete
      label done "yes"
  endfamily
endsuite
# enddef
"""


@pytest.fixture(params=["redis", "directory"])
def stored(
    request: pytest.FixtureRequest, ecflow: EcflowServer, redis: RedisServer, watchman: Watchman
) -> Watchman:
    """Return a watchman whose store can have the details of a server with an aborted task."""
    (watchman.home / "store").mkdir()
    url = redis.url if request.param == "redis" else f"file://{watchman.home}/store"
    ecflow.load_restored(SUITE)
    watchman.configure(url, [{"owner": "o", "repo": "r", "address": ecflow}])
    return watchman


def collect(watchman: Watchman, details: object) -> None:
    """Read the server with these details."""
    document = yaml.safe_load(watchman.config.read_text())
    document["servers"][0]["details"] = details
    watchman.config.write_text(yaml.safe_dump(document))
    assert watchman.collect().code == 0


def test_the_reason_is_in_the_output_of_check(stored: Watchman) -> None:
    collect(stored, False)
    without = stored.run("check", "r")
    collect(stored, True)
    found = stored.run("check", "r")
    assert found.code == without.code == 2
    lines, lines_without = found.text.splitlines(), without.text.splitlines()
    assert lines[1] == lines_without[1] + ": Script ended / with 7"
    assert [line for line in lines if "/s/f/a" not in line][1:] == [
        line for line in lines_without if "/s/f/a" not in line
    ][1:]
    assert stored.run("check", "--all").text.splitlines()[2] == lines[1]


def test_labels_and_meters_are_shown_beside_the_nodes(stored: Watchman) -> None:
    collect(stored, True)
    text = stored.run("show", "r", "--labels", "--meters").text
    assert "a  aborted  info: step 5 of 9; progress 40 of 100" in text.replace(" for less than a minute", "")
    assert stored.run("show", "r", "--meters").text.count("progress 40 of 100") == 1
    assert "progress" not in stored.run("show", "r", "--labels").text
    plain = json.loads(stored.run("show", "r", "--json").text)
    found = json.loads(stored.run("show", "r", "--json", "--labels", "--meters").text)
    assert found.pop("attributes") == {
        "/s/f/a": {
            "labels": [{"name": "info", "text": "step 5 of 9"}],
            "meters": [{"name": "progress", "value": 40, "min": 0, "max": 100}],
        },
        "/s/f/c": {"labels": [{"name": "done", "text": "yes"}]},
    }
    assert found == plain


@pytest.mark.parametrize(
    ("details", "message"),
    [
        (False, "watchman: o/r: no details in "),
        (["labels"], "watchman: o/r: --meters needs these details, which are not kept: meters: add them to "),
    ],
)
def test_a_kind_that_is_not_kept_is_said(stored: Watchman, details: object, message: str) -> None:
    collect(stored, details)
    result = stored.run("show", "r", "--meters")
    assert (result.code, result.text) == (1, "") and result.err.startswith(message)


def test_check_lint(stored: Watchman, ecflow: EcflowServer) -> None:
    collect(stored, True)
    found = stored.run("check", "r", "--lint")
    assert (found.code, found.err) == (0, "")
    assert found.text.startswith("WATCHMAN OK - o/r: lint finds nothing, collected ")
    assert " | findings=0;;;0; ends_server=0;;;0; age=" in found.text
    ecflow.load_restored(SUITE.replace("a == complete", "/x/ghost == complete"), True)
    collect(stored, True)
    found = stored.run("check", "r", "--lint")
    assert (found.code, found.text.splitlines()[1]) == (
        1,
        "/s/f/b: dead-reference: /x/ghost: there is no such node",
    )
    assert found.text.startswith("WATCHMAN WARNING - o/r: 1 dead-reference, collected ")
    ecflow.load_restored(SUITE.replace("a == complete", "a:progress == 1 == 1"), True)
    collect(stored, True)
    found = stored.run("check", "--all", "--lint")
    assert found.code == 2 and "o/r (1 ends-server)" in found.text
    assert "/s/f/b: ends-server: a:progress == 1 == 1: a chain of comparisons ends the server" in found.text


@pytest.mark.parametrize(
    ("details", "words"),
    [
        (False, "o/r: no details in "),
        (["labels", "triggers"], "lint needs these details, which are not kept: events, inlimits, limits, "),
    ],
)
def test_check_lint_does_not_say_ok_for_what_it_cannot_know(
    stored: Watchman, details: object, words: str
) -> None:
    collect(stored, details)
    found = stored.run("check", "r", "--lint")
    assert found.code == 3 and found.text.startswith("WATCHMAN UNKNOWN - o/r: ") and words in found.text
    for command in (["lint", "r"], ["why", "r", "/s/f/b"]):
        result = stored.run(*command)
        assert (result.code, result.text) == (1, "") and result.err.startswith("watchman: o/r: ")


@pytest.mark.parametrize("options", [["--path", "/s"], ["-w", "late=1"], ["--deadlines"]])
def test_options_that_do_not_fit_lint(stored: Watchman, options: list[str]) -> None:
    result = stored.run("check", "r", "--lint", *options)
    assert result.code == 3 and "cannot be used with" in result.text


def test_the_page_has_what_a_node_waits_for(stored: Watchman) -> None:
    page = stored.home / "page.html"

    def made() -> str:
        assert stored.run("page", "--output", str(page)).code == 0
        return page.read_text()

    collect(stored, False)
    assert "no disk" not in made() and 'class="note"' not in made()
    collect(stored, True)
    text = made()
    assert text.count("<dt>aborted</dt><dd><bdi>Script ended | with 7</bdi></dd>") == 2
    assert "<dt>in the end</dt><dd><bdi>/s/f/a is aborted</bdi></dd>" in text and "s3cret" not in text
    with chromium() as browser:
        opened = browser.new_page()
        opened.goto(page.as_uri())
        panel = opened.locator("#note")
        expect(opened.get_by_role("tree")).to_be_visible()
        expect(panel).to_be_hidden()
        opened.locator('#tree [role="treeitem"]', has_text=re.compile("^b ")).click()
        expect(panel).to_contain_text("trigger: a == complete does not hold: a is aborted")
        opened.keyboard.press("ArrowUp")
        expect(panel).to_contain_text("step 5 of 9")
        opened.keyboard.press("Escape")
        expect(panel).to_be_hidden()
