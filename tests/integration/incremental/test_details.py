"""Details on a real server: after each run, what is stored is what a full reading would store."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.details import comparable, truth_of
from tests.support.jobs import prepare_jobs, start_job
from tests.support.watched import NAME, Watched
from watchman_cli.details.node import Node
from watchman_cli.details.policy import Policy
from watchman_cli.details.tree import StoredTree
from watchman_cli.errors import NoDetails
from watchman_cli.node_details import with_details
from watchman_cli.snapshot import Head
from watchman_cli.store import Store, open_store
from watchman_cli.store.redis.keys import server_keys

KEYS = server_keys(NAME)


@pytest.fixture
def store(loaded: Watched) -> Iterator[Store]:
    made = open_store(loaded.redis.url)
    yield made
    made.close()


def stored(store: Store) -> dict[str, Any]:
    """Return all that is stored, in a form that can be compared."""

    def all_of(tree: StoredTree, _: Head) -> dict[str, Any]:
        tree.load()
        return comparable(tree)

    return with_details(store, NAME, all_of)


def check(loaded: Watched, store: Store, mode: str, policy: Policy | None = None) -> None:
    """Make a run of this mode, and compare what is stored with a full reading."""
    found = loaded.collect()
    assert found["mode"] == mode, found["reason"]
    assert stored(store) == truth_of(loaded.ecflow, policy)


def test_what_changes_is_added(loaded: Watched, store: Store) -> None:
    loaded.configure(details=True)
    check(loaded, store, "full")
    assert loaded.redis.client.exists(KEYS.changed_details) == 0
    loaded.taken()
    check(loaded, store, "unchanged")
    assert loaded.redis.client.exists(KEYS.changed_details) == 0
    server = loaded.ecflow
    server.alter("/s/f/a", "change", "label", "info", "one\ntwo")
    check(loaded, store, "unchanged")  # no status has changed
    server.force_state("/s/f/g/c", "State.aborted")
    server.alter("/s/f/a", "change", "variable", "V", 'it\'s "quoted"')
    server.alter("/s/f/a", "change", "meter", "progress", "50")
    server.alter("/s/f/a", "change", "event", "done", "set")
    check(loaded, store, "incremental")
    server.suspend("/s/f/g")
    server.alter("/s/f/a", "change", "repeat", "7")
    server.alter("/", "add", "variable", "SERVER_WIDE", "7")
    server.alter("/s/f/a", "change", "limit_max", "disk", "3")
    check(loaded, store, "incremental")
    server.force_state("/s/f/g", "State.complete")  # below a suspension
    server.resume("/s/f/g")
    server.restart_server()
    check(loaded, store, "incremental")
    server.delete("/s/f/g/d", True)
    check(loaded, store, "full")
    assert loaded.redis.client.exists(KEYS.changed_details) == 0


def test_tokens_that_a_family_takes_as_a_whole(loaded: Watched, store: Store) -> None:
    """The server does not send a change of `inlimit -n … # incremented:1`, so it is in no line."""
    server = loaded.ecflow
    loaded.configure(details=True)
    server.load_text("suite n\nlimit lim 1\nfamily f\ninlimit -n lim\ntask a\ntask b\nendfamily\nendsuite\n")
    server.begin_suite("n")
    server.force_state("/n/f/a", "State.submitted")
    check(loaded, store, "full")
    server.force_state("/n/f/a", "State.complete")
    check(loaded, store, "incremental")
    assert "incremented" not in repr(stored(store))
    server.force_state("/n/f/b", "State.submitted")
    check(loaded, store, "incremental")
    server.force_state("/n/f/b", "State.complete")
    check(loaded, store, "incremental")
    assert "incremented" not in repr(stored(store))


def test_a_jobs_password_is_nowhere(loaded: Watched, store: Store) -> None:
    loaded.configure(details=True)
    variables = prepare_jobs(loaded.ecflow, "j")
    loaded.ecflow.load_text(f"suite jobs\n{variables}task j\nendsuite\n")
    loaded.ecflow.begin_suite("jobs")
    check(loaded, store, "full")
    start_job(loaded.ecflow, "/jobs/j", "4711 and more")
    check(loaded, store, "incremental")
    found = job(store)
    assert (found.job_id, found.status, found.try_number) == ("4711 and more", "active", 1)
    loaded.redis.client.delete(KEYS.sync)
    check(loaded, store, "full")
    found = job(store)
    assert (found.job_id, found.status) == ("4711 and more", "active")
    assert "passwd" not in repr(stored(store))


def job(store: Store) -> Node:
    found = with_details(store, NAME, lambda tree, _: tree.node("/jobs/j"))
    assert found
    return found


def test_kinds_that_are_chosen(loaded: Watched, store: Store) -> None:
    loaded.configure(details=["labels", "meters"])
    policy = Policy(["labels", "meters"])
    check(loaded, store, "full", policy)
    loaded.ecflow.alter("/s/f/a", "change", "variable", "V", "secret")
    loaded.ecflow.alter("/s/f/a", "change", "label", "info", "said")
    check(loaded, store, "unchanged", policy)
    assert "secret" not in repr(stored(store))
    loaded.configure(details=True)
    check(loaded, store, "full")
    assert "secret" in repr(stored(store))


def test_off_again(loaded: Watched, store: Store) -> None:
    loaded.configure(details=True)
    loaded.collect()
    loaded.ecflow.force_state("/s/f/a", "State.aborted")
    loaded.collect()
    assert loaded.redis.client.exists(KEYS.details, KEYS.changed_details) == 2
    loaded.configure(details=False)
    assert loaded.collect()["mode"] == "unchanged"
    assert loaded.redis.client.exists(KEYS.details, KEYS.changed_details) == 0
    with pytest.raises(NoDetails, match="details: true"):
        stored(store)
    assert loaded.collect()["mode"] == "unchanged"
    loaded.configure(details=True)
    check(loaded, store, "full")


def test_off_again_without_a_sync_cache(loaded: Watched, store: Store) -> None:
    loaded.configure(details=True)
    loaded.collect()
    loaded.ecflow.force_state("/s/f/a", "State.aborted")
    loaded.collect()
    assert loaded.redis.client.exists(KEYS.details, KEYS.changed_details) == 2
    loaded.top["sync_cache"] = "off"
    loaded.configure(details=False)
    assert loaded.collect()["mode"] == "full"
    assert loaded.redis.client.exists(KEYS.details, KEYS.changed_details) == 0
    loaded.configure(details=True)
    check(loaded, store, "full")
    del loaded.top["sync_cache"]
    loaded.configure(details=False)
    loaded.redis.client.delete(KEYS.sync)
    assert loaded.collect()["mode"] == "full"
    assert loaded.redis.client.exists(KEYS.details, KEYS.changed_details) == 0


@pytest.mark.parametrize("lost", ["details", "changed_details"])
def test_details_that_the_store_lost_are_read_again(loaded: Watched, store: Store, lost: str) -> None:
    loaded.configure(details=True)
    loaded.collect()
    loaded.ecflow.force_state("/s/f/a", "State.aborted")
    loaded.collect()
    loaded.redis.client.delete(getattr(KEYS, lost))
    with pytest.raises(NoDetails):
        stored(store)
    loaded.ecflow.force_state("/s/f/b", "State.aborted")
    check(loaded, store, "full")


def test_details_expire_with_the_snapshot(loaded: Watched, store: Store) -> None:
    client = loaded.redis.client
    loaded.configure(details=True, expire=100)
    loaded.collect()
    assert 0 < client.ttl(KEYS.details) <= 100
    loaded.ecflow.force_state("/s/f/a", "State.aborted")
    loaded.collect()
    assert 0 < client.ttl(KEYS.changed_details) <= 100
    client.expire(KEYS.details, 50)
    client.expire(KEYS.changed_details, 50)
    check(loaded, store, "unchanged")
    assert client.ttl(KEYS.details) > 90
    assert client.ttl(KEYS.changed_details) > 90
    del loaded.settings["expire"]
    loaded.configure()
    check(loaded, store, "unchanged")
    assert (client.ttl(KEYS.details), client.ttl(KEYS.changed_details)) == (-1, -1)


def test_no_more_is_asked_of_the_server(loaded: Watched, store: Store) -> None:
    requests = []
    for details in (False, True):
        loaded.configure(details=details)
        loaded.collect()
        loaded.taken()
        loaded.collect()
        loaded.ecflow.force_state("/s/f/a", f"State.{'aborted' if details else 'complete'}")
        loaded.collect()
        requests.append([(each.request, len(each.request)) for each in loaded.taken()])
    assert len(requests[0]) == len(requests[1]) == 2
    assert [size for _, size in requests[0]] == [size for _, size in requests[1]]


PARTS = ("pass", "Token", "SECRET", "key", "Credential", "FTP")


def planted(first: int) -> list[tuple[str, str]]:
    """Return 50 names of secrets, and their values."""
    return [(f"A_{PARTS[n % len(PARTS)]}{n}", f"xyzzy{n:03}") for n in range(first, first + 50)]


def everything(loaded: Watched) -> bytes:
    """Return all that is in Redis, and what was printed and logged."""
    client: Any = loaded.redis.client
    found = [client.dump(name) for name in client.keys("*")]
    for name in (KEYS.details, KEYS.changed_details):
        for field, value in client.hgetall(name).items():
            found += [field, value, *(zlib.decompress(value) for _ in range(value[:1] == b"x"))]
    return b"\n".join(found)


def test_of_200_secrets_on_a_server_none_is_kept(loaded: Watched, store: Store) -> None:
    loaded.configure(details=True, secret_names=["ftp"])
    for name, value in planted(0):
        loaded.ecflow.alter("/", "add", "variable", name, value)
    lines = [f"edit {name} '{value}'" for name, value in planted(50)]
    tasks = [f'task t{name}\nrepeat string {name} "{value}" "xyzzy"' for name, value in planted(100)]
    more = [f"edit {name} 'before'" for name, _ in planted(150)]
    loaded.ecflow.load_text("\n".join(["suite secrets", *lines, *more, *tasks, "endsuite", ""]))
    policy = Policy((), ["ftp"])
    check(loaded, store, "full", policy)
    assert b"xyzzy" not in everything(loaded)
    for name, value in planted(150):
        loaded.ecflow.alter("/secrets", "change", "variable", name, value)
    for name, _ in planted(100)[:5]:
        loaded.ecflow.alter(f"/secrets/t{name}", "change", "repeat", "xyzzy")
    for name, value in planted(0):
        loaded.ecflow.alter("/", "change", "variable", name, value + "new")
    check(loaded, store, "unchanged", policy)
    assert b"xyzzy" not in everything(loaded)
    assert b"A_SECRET152" in everything(loaded)
