"""Steps of a soak: what other clients do to handles and archives, and starts within one second."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tests.support.loopback import await_true
from watchman_cli.ecflow_client import Access, Client, FullSync, Limits, Stats, TreeUnproved

if TYPE_CHECKING:
    from tests.soak.soak import Soak


def change_handle(soak: Soak) -> Any:
    """A client changes the suites of a handle, watchman's own if there is one."""
    handles = soak.ecflow.handles()
    if not handles:
        return "no handle"
    ours = [handle for handle in handles if any("watchman" in name for name in handle[2])]
    number, _, suites = soak.random.choice(ours or handles)
    method = soak.random.choice(("ch_add", "ch_remove", "ch_auto_add"))
    some = soak.random.choice((suites, [soak.suite()[1:]], [f"s{soak.random.randint(0, 5)}"]))
    soak.ecflow.call(method, number, soak.random.random() < 0.7 if method == "ch_auto_add" else some)
    return method, number, some


def plug(soak: Soak) -> Any:
    """A client moves a node to another one, or to itself, which is refused."""
    source = soak.path()
    target = source if soak.random.random() < 0.5 else soak.path()
    if target.startswith(f"{source}/"):
        target = source  # a node that is moved below itself gets ecflow_server into an endless loop
    soak.ecflow.plug(source, target)
    return source, target


def archive_and_plug(soak: Soak) -> Any:
    """A suite or family is archived, read by a run, and restored by a move that is refused."""
    path = soak.random.choice((soak.suite(), soak.path().rpartition("/")[0] or soak.suite()))
    soak.ecflow.force_state_recursive(path, "State.complete")  # it must have no active tasks
    soak.ecflow.archive(path)
    soak.collect()
    soak.ecflow.plug(path, path)
    return path


def start_twice(soak: Soak) -> Any:
    """The server is started, read and started again within one second, and asked by others since."""
    soak.ecflow.checkpt()
    soak.ecflow.kill()
    await_true(lambda: time.time() % 1 < 0.05, "no second begins")
    began = int(time.time())
    soak.ecflow.start()
    _change(soak, 8)
    soak.collect()
    soak.ecflow.kill()
    soak.ecflow.start()
    soak.starts_within_a_second += soak.ecflow.second == began
    _change(soak, 16)
    end = time.monotonic() + 60
    for _ in range(4):
        client = Client(Access(soak.ecflow.host, soak.ecflow.port))
        with suppress(TreeUnproved):  # what counts is that the server was asked
            client.ask([Stats(), FullSync()], Limits(end, end, 1 << 30))
    return soak.ecflow.second == began


def _change(soak: Soak, times: int) -> None:
    """Force states, in one request: there is little time."""
    paths = [soak.path() for _ in range(times)]
    soak.ecflow.force_state(paths, f"State.{soak.random.choice(('complete', 'aborted', 'queued'))}")
