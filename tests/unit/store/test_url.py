"""The store that a URL names: Redis or a directory, or the reason why it is invalid."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchman_cli.errors import ConfigError
from watchman_cli.store.directory.store import DirectoryStore
from watchman_cli.store.redis.store import RedisStore
from watchman_cli.store.url import open_store


@pytest.mark.parametrize(
    ("url", "root"),
    [("file:///var/lib/w", "/var/lib/w"), ("file:///a%20b/%25", "/a b/%"), ("file:///a%2Fb", "/a/b")],
)
def test_directory(url: str, root: str) -> None:
    store = open_store(url)
    assert isinstance(store, DirectoryStore)
    assert (store.root, store.url) == (Path(root), f"file://{root}")


@pytest.mark.parametrize("url", ["file://", "file://host/path", "file://host", "file:///a%00b"])
def test_directory_that_is_not_a_path(url: str) -> None:
    with pytest.raises(ConfigError) as raised:
        open_store(url, "w.yaml:1: store")
    assert str(raised.value) == "w.yaml:1: store: a directory is named as file:///path"


def test_redis() -> None:
    store = open_store("redis://u:s3cret@h:1/2")
    assert isinstance(store, RedisStore) and store.url == "redis://h:1/2"


@pytest.mark.parametrize(("source", "begin"), [([], "store"), (["--store"], "--store")])
def test_reason_follows_the_source_and_the_url_without_its_password(source: list[str], begin: str) -> None:
    with pytest.raises(ConfigError) as raised:
        open_store("redis://u:s3cret@h/prod", *source)
    assert str(raised.value).startswith(f"{begin}: redis://h/prod: invalid database")
