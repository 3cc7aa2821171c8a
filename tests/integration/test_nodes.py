"""Single nodes, read back from what a run stored: why one waits, all of it, what has something, mistakes."""

from __future__ import annotations

import json

import pytest

import watchman_cli
from tests.support.ecflow_server import EcflowServer
from tests.support.redis_server import RedisServer
from tests.support.watchman import Result, Watchman

SUITE = """\
extern /x/ghost
suite s
  edit HOST 'login01'
  edit DB_PASSWORD 's3cret-value'
  limit lim 1
  family f
    repeat integer STEP 0 48 24
    task a
      label info "first step"
      meter progress 0 100 90
      event ready
    task b
      trigger a == complete and a:progress ge 50
      inlimit /s:lim
    task c
      trigger b == complete
    task d
      trigger /x/ghost == complete
    task e
      trigger a:progress == 1 == 1
  endfamily
endsuite
"""


@pytest.fixture(params=["redis", "directory"])
def stored(
    request: pytest.FixtureRequest, ecflow: EcflowServer, redis: RedisServer, watchman: Watchman
) -> tuple[Watchman, EcflowServer, str]:
    """Return a watchman that has read a server with details, the server, and the store's address."""
    (watchman.home / "store").mkdir()
    url = redis.url if request.param == "redis" else f"file://{watchman.home}/store"
    ecflow.load_text(SUITE)
    ecflow.begin_all_suites()
    watchman.configure(url, [{"owner": "o", "repo": "r", "address": ecflow, "details": True}])
    assert watchman.collect().code == 0
    return watchman, ecflow, url


Stored = tuple[Watchman, EcflowServer, str]


def asked(stored: Stored, *arguments: str) -> Result:
    return stored[0].run(*arguments)


def test_why_a_node_waits(stored: Stored) -> None:
    result = asked(stored, "why", "r", "/s/f/c")
    assert result.code == 0
    assert "no  b == complete  (b is queued)" in result.text
    answer = json.loads(asked(stored, "why", "o/r", "/s/f/c", "--json").text)
    assert (answer["path"], answer["status"], answer["server_state"]) == ("/s/f/c", "queued", "HALTED")
    assert answer["waits"][0]["kind"] == "server"
    (trigger,) = [each for each in answer["waits"] if each["kind"] == "trigger"]
    assert (trigger["holds"], trigger["values"]) == (False, {"b": "queued"})
    found = watchman_cli.why(stored[2], "o/r", "/s/f/c")
    assert found.as_dict() == answer


def test_it_is_why_after_each_run(stored: Stored) -> None:
    watchman, ecflow, _ = stored
    ecflow.force_state("/s/f/a", "State.aborted")
    assert watchman.collect().code == 0
    answer = json.loads(asked(stored, "why", "r", "/s/f/c", "--json").text)
    assert [(each["path"], each["kind"]) for each in answer["in_the_end"]] == [("/s/f/a", "aborted")]
    ecflow.force_state("/s/f/a", "State.complete")
    ecflow.alter("/s/f/a", "change", "meter", "progress", "60")
    assert watchman.collect().code == 0
    text = asked(stored, "why", "r", "/s/f/b").text
    assert "It waits for:\n  the server is halted\n" in text and "trigger" not in text


def test_tokens_that_a_family_takes_for_all_its_tasks(stored: Stored) -> None:
    """As they are after each run, though the server does not send a change of `inlimit -n`."""
    watchman, ecflow, url = stored
    tasks = "task a\ntask b\n"
    ecflow.load_text(
        f"suite n\nlimit lim 1\nfamily f\ninlimit -n lim\n{tasks}endfamily\n"
        f"family g\ninlimit -n lim\n{tasks}endfamily\nendsuite\n"
    )
    ecflow.begin_suite("n")

    def limit_of(path: str) -> tuple[bool | None, str]:
        ecflow.await_next_second()
        assert watchman.collect().code == 0
        (limit,) = [each for each in watchman_cli.why(url, "o/r", path).waits if each.kind == "limit"]
        return limit.holds, limit.text

    assert limit_of("/n/f/b") == (True, "limit /n:lim has room, 0 of 1 taken")
    ecflow.force_state("/n/f/a", "State.submitted")
    assert limit_of("/n/f/b") == (True, "limit /n:lim: /n/f has its tokens, 1 of 1 taken")
    assert limit_of("/n/g/b") == (False, "limit /n:lim is full: 1 of 1 taken by /n/f")
    ecflow.force_state("/n/f/a", "State.complete")
    ecflow.force_state("/n/g/a", "State.submitted")
    assert limit_of("/n/f/b") == (False, "limit /n:lim is full: 1 of 1 taken by /n/g")


def test_all_of_a_node(stored: Stored) -> None:
    node = json.loads(asked(stored, "node", "r", "/s/f/a", "--json").text)
    variables = {each["name"]: (each["value"], each["source"], each["path"]) for each in node["variables"]}
    assert (node["kind"], node["status"], node["try"]) == ("task", "queued", 0)
    assert variables["HOST"] == ("login01", "inherited", "/s")
    assert variables["STEP"] == ("0", "repeat", "/s/f")
    assert variables["TASK"] == ("a", "generated", "/s/f/a")
    assert variables["FAMILY"] == ("f", "generated", "/s/f")
    assert variables["DB_PASSWORD"][0] == variables["ECF_PASS"][0] == "***"
    assert variables["ECF_HOME"][1:] == ("server", "/")
    home = str(stored[1].home)
    assert variables["ECF_JOBOUT"][0] == f"{home}/s/f/a.0"
    assert asked(stored, "node", "r", "/s/f/a", "--variable", "ECF_SCRIPT").text == f"{home}/s/f/a.ecf\n"
    assert asked(stored, "node", "r", "/s/f/a", "--variable", "NONE").code == 1
    assert "label     info: first step" in asked(stored, "node", "r", "/s/f/a").text
    assert watchman_cli.read_node(stored[2], "o/r", "/s/f/a").as_dict() == node


def test_no_secret_is_shown(stored: Stored) -> None:
    for command in (["node", "r", "/s/f/a"], ["node", "r", "/s", "--json"], ["find", "--variable", "*"]):
        result = asked(stored, *command)
        assert "s3cret" not in result.text + result.err and "***" in result.text


@pytest.mark.parametrize(
    ("option", "text"),
    [
        (["--variable", "HOST=login*"], "o/r /s HOST=login01\n"),
        (["--label", "first"], "o/r /s/f/a info: first step\n"),
        (["--trigger-on", "/s/f/b"], "o/r /s/f/c trigger b == complete\n"),
        (["--repeat", "STEP"], "o/r /s/f repeat integer STEP: 0\n"),
        (["--limit", "lim"], "o/r /s limit lim: 0 of 1 taken\no/r /s/f/b inlimit /s:lim 1\n"),
        (["--variable", "HOST=none"], ""),
    ],
)
def test_find(option: list[str], text: str, stored: Stored) -> None:
    assert asked(stored, "find", *option).text == text
    found = json.loads(asked(stored, "find", *option, "--json").text)["found"]
    assert len(found) == text.count("\n")


def test_find_from_python(stored: Stored) -> None:
    (found,) = watchman_cli.find(stored[2], label="first", servers=["o/r", "o/never"])
    assert (found.server, found.path) == ("o/r", "/s/f/a")
    with pytest.raises(ValueError, match="give one of"):
        watchman_cli.find(stored[2], label="x", limit="y", servers=[])


def test_lint(stored: Stored) -> None:
    result = asked(stored, "lint", "r")
    assert result.code == 1
    assert result.text.splitlines() == [
        "/s/f/d: dead-reference: /x/ghost: there is no such node",
        "/s/f/e: ends-server: a:progress == 1 == 1: a chain of comparisons ends the server",
    ]
    kinds = [each["kind"] for each in json.loads(asked(stored, "lint", "r", "--json").text)["findings"]]
    assert kinds == ["dead-reference", "ends-server"]


@pytest.mark.parametrize("command", ["why", "node"])
def test_what_is_not_there(command: str, stored: Stored) -> None:
    result = asked(stored, command, "r", "/s/none")
    assert (result.code, result.err) == (1, "watchman: no such node: /s/none\n")
    assert asked(stored, command, "o/typo", "/s").code in (1, 2)


def commands() -> list[list[str]]:
    return [["why", "r", "/s"], ["node", "r", "/s"], ["lint", "r"]]


@pytest.mark.parametrize("command", commands(), ids=lambda command: command[0])
def test_a_server_without_details(
    command: list[str], ecflow: EcflowServer, redis: RedisServer, watchman: Watchman
) -> None:
    watchman.configure(redis.url, [{"owner": "o", "repo": "r", "address": ecflow}])
    assert watchman.collect().code == 0
    result = watchman.run(*command)
    assert result.code == 1 and "no details" in result.err and "Traceback" not in result.err
