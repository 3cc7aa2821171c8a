"""A configuration is parsed once: what is kept is used only if it is whole, and the user's own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from watchman_cli import config
from watchman_cli.config import kept
from watchman_cli.errors import ConfigError

TEXT = """\
x-note: 1
store: redis://127.0.0.1:6379/5
servers:
  - {owner: o, repo: r, host: h, port: 3141, deadline: 7}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "watchman.yaml"
    path.write_text(TEXT)
    path.chmod(0o600)
    return path


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "home").mkdir()
    return {"HOME": str(tmp_path / "home")}


def entries(environment: Mapping[str, str]) -> list[Path]:
    folder = kept.folder(environment)
    return sorted(folder.iterdir()) if folder and folder.is_dir() else []


def without_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every attempt to parse fail."""
    monkeypatch.setitem(sys.modules, "watchman_cli.config.yaml", None)


def test_the_second_reading_parses_nothing(
    file: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = config.load(file, environment)
    (entry,) = entries(environment)
    assert (entry.stat().st_mode & 0o777, entry.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    without_yaml(monkeypatch)
    assert config.load(file, environment) == first
    assert first.servers[0].deadline == 7


def test_a_kept_configuration_needs_neither_yaml_nor_a_validator(
    file: Path, environment: dict[str, str]
) -> None:
    code = (
        "import sys; from pathlib import Path; from watchman_cli import config; "
        f"config.load(Path({str(file)!r}), {environment!r}); "
        "print({'yaml', 'jsonschema', 'jsonschema_rs'} & sys.modules.keys())"
    )
    said = [subprocess.check_output([sys.executable, "-c", code], text=True).strip() for _ in range(2)]
    assert "yaml" in said[0]
    assert said[1] == "set()"


def test_another_content_is_parsed(file: Path, environment: dict[str, str]) -> None:
    config.load(file, environment)
    file.write_text(TEXT.replace("deadline: 7", "deadline: 8"))
    assert config.load(file, environment).servers[0].deadline == 8
    assert len(entries(environment)) == 2


def test_the_lines_of_messages_are_the_same(file: Path, environment: dict[str, str]) -> None:
    file.write_text(TEXT + "ecflow_python: /usr/bin/python3\n")
    for _ in range(2):
        assert config.load(file, environment).store_source == f"{file}:2: store"
    file.chmod(0o666)
    for _ in range(2):
        with pytest.raises(ConfigError, match=rf"^{file}:5: ecflow_python: "):
            config.load(file, environment)


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: entry.write_bytes(entry.read_bytes()[:-5]),
        lambda entry: entry.write_bytes(entry.read_bytes().replace(b"3141", b"3142")),
        lambda entry: entry.write_bytes(b""),
        lambda entry: entry.write_bytes(b"\xff" * 100),
        lambda entry: (entry.rename(f"{entry}-"), entry.symlink_to(f"{entry}-")),
        lambda entry: (entry.unlink(), entry.mkdir()),
        lambda entry: entry.chmod(0o620),
        lambda entry: entry.chmod(0o602),
    ],
    ids=["cut", "changed", "empty", "garbage", "link", "directory", "group", "others"],
)
def test_what_is_damaged_is_not_used(
    damage: object, file: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = config.load(file, environment)
    damage(entries(environment)[0])  # type: ignore[operator]
    assert kept.find(TEXT.encode(), environment) is None
    assert config.load(file, environment) == first


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_what_belongs_to_another_user_is_not_used(file: Path, environment: dict[str, str]) -> None:
    config.load(file, environment)
    os.chown(entries(environment)[0], 65534, -1)
    assert kept.find(TEXT.encode(), environment) is None


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("redis://", "redis://:secret@"),
        TEXT.replace("port: 3141", "port: 3141, user: u, password: secret"),
        TEXT.replace("port: 3141", "port: 3141, user: u, password: '${SECRET}'"),
        TEXT + "defaults: {user: u, password: secret}\n",
        TEXT.replace("port: 3141", "port: 3141, deadlines: [{path: /s, by: '05:30', zone: Europe/Paris}]"),
    ],
    ids=["store", "server", "variable", "defaults", "zone"],
)
def test_what_is_not_kept(text: str, file: Path, environment: dict[str, str]) -> None:
    file.write_text(text)
    config.load(file, {**environment, "SECRET": "secret"})
    assert entries(environment) == []


def test_a_store_that_names_a_variable_is_kept_without_it(file: Path, environment: dict[str, str]) -> None:
    file.write_text(TEXT.replace("redis://", "redis://:${SECRET}@"))
    for secret in ("first", "other"):
        assert secret in config.load(file, {**environment, "SECRET": secret}).store
    assert all(b"first" not in entry.read_bytes() for entry in entries(environment))
    with pytest.raises(ConfigError, match=rf"^{file}:2: store: "):
        config.load(file, environment)


def test_an_invalid_file_is_not_kept(file: Path, environment: dict[str, str]) -> None:
    file.write_text(TEXT + "nonsense: 1\n")
    for _ in range(2):
        with pytest.raises(ConfigError, match="nonsense"):
            config.load(file, environment)
    assert entries(environment) == []


def test_the_oldest_go(file: Path, environment: dict[str, str]) -> None:
    for number in range(kept.MOST + 3):
        file.write_text(f"{TEXT}# {number}\n")
        config.load(file, environment)
    assert len(entries(environment)) == kept.MOST
    assert kept.find(file.read_bytes(), environment) is not None


@pytest.mark.parametrize("environment", [{}, {"HOME": ""}, {"HOME": "relative"}, {"HOME": "/proc/none"}])
def test_a_user_without_a_place_for_it(environment: dict[str, str], file: Path) -> None:
    assert config.load(file, environment).servers[0].port == 3141


def test_a_home_that_does_not_exist_is_not_made(file: Path, tmp_path: Path) -> None:
    for environment in ({"HOME": f"{tmp_path}/gone"}, {"XDG_CACHE_HOME": f"{tmp_path}/gone/cache"}):
        config.load(file, environment)
    assert not (tmp_path / "gone").exists()


def test_where_it_is() -> None:
    assert kept.folder({"HOME": "/h", "XDG_CACHE_HOME": "/c"}) == Path("/c/watchman")
    assert kept.folder({"HOME": "/h", "XDG_CACHE_HOME": "c"}) == Path("/h/.cache/watchman")
