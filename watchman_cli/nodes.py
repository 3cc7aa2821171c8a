"""Single nodes, read back from a store: why one waits, all that is known of it, which ones have something.

Each function takes a store's address and a server's `owner/repo`, as `read_snapshot` does. Each raises
NoDetails if the store has no details of the server, NoSnapshot, NoSuchNode or StoreError.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from watchman_cli.details.summary import NodeDetails, summarize
from watchman_cli.errors import NoDetails, NoSnapshot
from watchman_cli.node_details import require, with_details
from watchman_cli.snapshot import parse_time
from watchman_cli.waits.find import Found, Kind, search
from watchman_cli.waits.lint import Finding, lint
from watchman_cli.waits.references import NEEDED, REFERRED
from watchman_cli.waits.result import Why, explain

if TYPE_CHECKING:
    from watchman_cli.details.tree import StoredTree
    from watchman_cli.snapshot import Head
    from watchman_cli.store import Store


def why(store: str, server: str, path: str) -> Why:
    """Return why the node at `path` waits, as of the server's last reading."""
    with _opened(store) as opened:
        return why_in(opened, server, path)


def read_node(store: str, server: str, path: str) -> NodeDetails:
    """Return all that is known of the node at `path`."""
    with _opened(store) as opened:
        return node_in(opened, server, path)


def find(
    store: str,
    *,
    variable: str | None = None,
    label: str | None = None,
    trigger_on: str | None = None,
    limit: str | None = None,
    repeat: str | None = None,
    servers: Sequence[str] | None = None,
) -> list[Found]:
    """Return the nodes that have something: a variable as `NAME=VALUE`, or one of the others.

    Exactly one is given; `*` in it stands for any text. Without `servers`, those of the configuration are
    searched. A server without details is left out. Raises ValueError, ConfigError or StoreError.
    """
    wanted: dict[Kind, str | None] = {
        "variable": variable, "label": label, "trigger_on": trigger_on, "limit": limit, "repeat": repeat,
    }  # fmt: skip
    given = [(kind, text) for kind, text in wanted.items() if text is not None]
    if len(given) != 1:
        raise ValueError("give one of variable, label, trigger_on, limit and repeat")
    (kind, text) = given[0]
    with _opened(store) as opened:
        names = _configured() if servers is None else servers
        return [found for server in names for found in find_in(opened, server, kind, text)]


def why_in(store: Store, server: str, path: str) -> Why:
    """Do as `why` does, in an open store."""

    def explained(tree: StoredTree, head: Head) -> Why:
        require(tree, server, NEEDED, "why a node waits")
        return explain(tree, path, parse_time(head.collected_time))

    return with_details(store, server, explained)


def node_in(store: Store, server: str, path: str) -> NodeDetails:
    """Do as `read_node` does, in an open store."""
    return with_details(store, server, lambda tree, _: summarize(tree, path))


def find_in(store: Store, server: str, kind: Kind, text: str) -> list[Found]:
    """Return the nodes of one server that have something; none if it has no details."""
    try:
        return with_details(store, server, lambda tree, _: _search(tree, server, kind, text))
    except (NoDetails, NoSnapshot):
        return []


def lint_in(store: Store, server: str) -> list[Finding]:
    """Return the mistakes in the expressions and claims of a server's nodes."""

    def findings(tree: StoredTree, _: Head) -> list[Finding]:
        require(tree, server, REFERRED, "lint")
        tree.load()
        return list(lint(tree))

    return with_details(store, server, findings)


def _search(tree: StoredTree, server: str, kind: Kind, text: str) -> list[Found]:
    tree.load()
    return list(search(tree, server, kind, text))


def _configured() -> list[str]:
    from watchman_cli.config import find as find_config
    from watchman_cli.config import load

    return [server.name for server in load(find_config(None)).servers]


@contextmanager
def _opened(store: str) -> Iterator[Store]:
    from watchman_cli.store import open_store

    opened = open_store(store)
    try:
        yield opened
    finally:
        opened.close()
