"""A configuration of several files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from watchman_cli import config
from watchman_cli.config import kept, read
from watchman_cli.errors import ConfigError

MAIN = """\
include: conf.d/*.yaml
defaults: {deadline: 30, attempts: 2}
servers:
  - {owner: o, repo: main, host: h, port: 1}
"""


def server(repo: str, more: str = "") -> str:
    return f"servers:\n  - {{owner: o, repo: {repo}, host: h, port: 1{more}}}\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "watchman.yaml"
    path.write_text(MAIN)
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "home").mkdir()
    for each in (tmp_path, tmp_path / "conf.d"):
        each.chmod(0o755)
    return path


@pytest.fixture
def environment(path: Path) -> dict[str, str]:
    return {"HOME": str(path.parent / "home")}


def include(path: Path, name: str, text: str) -> Path:
    """Write a file that is included."""
    file = path.parent / "conf.d" / f"{name}.yaml"
    file.write_text(text)
    file.chmod(0o644)
    return file


def names(path: Path, environment: dict[str, str]) -> list[str]:
    return [each.repo for each in config.load(path, environment).servers]


def problems(path: Path, environment: dict[str, str] | None = None) -> list[str]:
    """The messages about the files, relative to the directory of the main one."""
    with pytest.raises(ConfigError) as caught:
        config.load(path, environment or {})
    return [line.replace(f"{path.parent}/", "") for line in caught.value.problems]


def test_servers_of_all_files_in_their_order(path: Path) -> None:
    include(path, "b", server("b"))
    include(path, "a", "x-own: 1\n" + server("a", ", attempts: 5") + "defaults: {deadline: 7}\n")
    include(path, "c", "defaults: {deadline: 9}\n")
    found = config.load(path, {})
    assert [(each.repo, each.deadline, each.attempts) for each in found.servers] == [
        ("main", 30, 2),
        ("a", 7, 5),
        ("b", 30, 2),
    ]
    assert [each.name for each in found.included] == ["a.yaml", "b.yaml", "c.yaml"]


def test_the_main_file_needs_no_server(path: Path) -> None:
    path.write_text("include: [conf.d/a.yaml, conf.d/b*.yaml]\n")
    include(path, "a", server("a"))
    assert names(path, {}) == ["a"]
    include(path, "a", "defaults: {attempts: 1}\n")
    assert problems(path) == ["watchman.yaml:1: include: no file names a server"]
    path.write_text("defaults: {attempts: 1}\n")
    assert problems(path) == ["watchman.yaml:1: servers is missing"]


def test_every_mistake_of_every_file(path: Path) -> None:
    path.write_text(
        MAIN.replace("conf.d/*.yaml", "[conf.d/*.yaml,\n  gone.yaml]").replace("port: 1", "port: 0")
    )
    include(path, "a", "store: file:///x\ninclude: b\necflow_python: /x\n" + server("a", ", prot: ssl"))
    include(path, "b", "servers: [\n")
    include(path, "c", "defaults:\n  deadlin: 3\n" + server("a"))
    include(path, "d", "")
    (path.parent / "conf.d" / "e.yaml").mkdir()
    moved = "an included file cannot have this key: move it to the main file"
    assert problems(path) == [
        "watchman.yaml:1: include: conf.d/e.yaml: not a regular file",
        "watchman.yaml:2: include: gone.yaml: No such file or directory",
        "watchman.yaml:5: servers[0].port: 0 is less than 1",
        f"conf.d/a.yaml:1: store: {moved}",
        f"conf.d/a.yaml:2: include: {moved}",
        f"conf.d/a.yaml:3: ecflow_python: {moved}",
        "conf.d/a.yaml:5: servers[0].prot: unknown key; did you mean port?",
        "conf.d/b.yaml:2: not valid YAML: while parsing a flow node, did not find expected node content",
        "conf.d/c.yaml:2: defaults.deadlin: unknown key; did you mean deadline?",
        "conf.d/c.yaml:4: servers[0]: o/a is already the server of conf.d/a.yaml:5",
        "conf.d/d.yaml:1: empty; it needs at least: servers",
    ]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("5", "include: 5 is not a string; quote it: '5'"),
        ("[5]", "include: 5 is not a string; quote it: '5'"),
        ("[]", "include: a list is too short; it needs at least 1"),
        ("''", "include: '' is not the name of a file, or a pattern of names"),
        ("[a*, a*]", "include: a list has a duplicate"),
    ],
)
def test_an_include_that_is_no_pattern(path: Path, value: str, said: str) -> None:
    path.write_text(MAIN.replace("conf.d/*.yaml", value))
    assert problems(path) == [f"watchman.yaml:1: {said}"]


def test_defaults_of_the_main_file_count_for_checks(path: Path) -> None:
    path.write_text(MAIN.replace("attempts: 2", "user: u, password: p"))
    include(path, "a", server("a"))
    include(path, "b", "defaults: {user: v}\n" + server("b"))
    assert [each.user for each in config.load(path, {}).servers] == ["u", "u", "v"]
    path.write_text(MAIN)
    assert problems(path) == [
        "conf.d/b.yaml:3: servers[0].user: password is missing: ecFlow needs one with a user"
    ]


def test_a_password_that_others_can_read(path: Path) -> None:
    file = include(path, "a", server("a", ", user: u, password: p"))
    assert config.load(path, {}).warnings == (
        f"{file} has a password, and other users can read it: chmod 600 {file}",
    )
    file.chmod(0o600)
    assert config.load(path, {}).warnings == ()


@pytest.mark.parametrize("kept_before", [False, True])
def test_a_file_that_others_can_write(path: Path, environment: dict[str, str], kept_before: bool) -> None:
    path.chmod(0o644)
    file = include(path, "a", server("a"))
    if kept_before:
        config.load(path, environment)
    file.chmod(0o664)
    (said,) = problems(path, environment)
    assert said.startswith(
        "watchman.yaml:1: include: conf.d/a.yaml: refused, because other users can write it: "
    )
    assert said.endswith("; chmod go-w conf.d/a.yaml")
    path.chmod(0o664)  # those users can write the main file, too
    assert names(path, environment) == ["main", "a"]


# ----------------------------------------------------------------------------------------- what is kept


def without_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every attempt to parse fail."""
    monkeypatch.setitem(sys.modules, "watchman_cli.config.yaml", None)


def test_the_second_reading_parses_nothing(
    path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    include(
        path, "a", "defaults: {deadline: 7}\n" + server("a", ", host: '${HOST}'").replace("host: h, ", "")
    )
    first = config.load(path, {**environment, "HOST": "first"})
    without_yaml(monkeypatch)
    assert config.load(path, {**environment, "HOST": "first"}) == first
    assert config.load(path, {**environment, "HOST": "second"}).servers[1].host == "second"


def test_whatever_changes_is_seen(path: Path, environment: dict[str, str]) -> None:
    a, b = include(path, "a", server("a")), include(path, "b", server("b"))
    for _ in range(2):
        assert names(path, environment) == ["main", "a", "b"]
    include(path, "0", server("new"))
    assert names(path, environment) == ["main", "new", "a", "b"]
    a.write_text(server("changed"))
    assert names(path, environment) == ["main", "new", "changed", "b"]
    b.unlink()
    assert names(path, environment) == ["main", "new", "changed"]
    a.rename(a.with_name("-.yaml"))
    assert names(path, environment) == ["main", "changed", "new"]
    include(path, "c", server("new"))
    assert problems(path, environment) == [
        "conf.d/c.yaml:2: servers[0]: o/new is already the server of conf.d/0.yaml:2"
    ]


def test_a_file_with_a_password_is_not_kept(path: Path, environment: dict[str, str]) -> None:
    include(path, "a", server("a", ", user: u, password: secret"))
    config.load(path, environment)
    folder = kept.folder(environment)
    assert folder and not folder.exists()


def test_many_small_files_have_one_limit(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    include(path, "a", server("a"))
    include(path, "b", server("b"))
    monkeypatch.setattr(read, "SIZE_LIMIT", 100)
    assert problems(path) == [
        "watchman.yaml:1: include: conf.d/b.yaml: all included files have more than 100 bytes"
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_files_of_the_owner_of_the_main_file_are_accepted(path: Path) -> None:
    file = include(path, "a", server("a"))
    os.chown(file, 54321, -1)
    (said,) = problems(path)
    assert "belongs to the user 54321; chown it to root" in said
    os.chown(path, 54321, -1)
    assert names(path, {}) == ["main", "a"]
