"""The flow is one way: which stage may import which, and which one a foreign library."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support.sources import nodes_of

PACKAGE = Path(__file__).parent.parent.parent / "watchman_cli"
BASE = {"__version__", "duration", "errors", "files", "journal", "retry", "schema", "shard", "status", "text"}
DATA = BASE | {"snapshot", "health"}
ALLOWED: dict[str, set[str]] = {
    **dict.fromkeys(BASE, BASE),
    "signals": BASE,
    "snapshot": BASE | {"ecflow_client"},
    "health": BASE | {"snapshot", "deadlines", "causes"},
    "causes": BASE | {"snapshot", "deadlines"},
    "deadlines": BASE | {"snapshot"},
    "silences": BASE | {"snapshot", "causes"},
    "config": BASE | {"deadlines", "causes", "silences", "snapshot"},
    "ecflow_client": set(),
    "details": BASE | {"ecflow_client"},
    "waits": BASE | {"details"},
    "nodes": DATA | {"config", "details", "node_details", "store", "waits"},
    "bindings": DATA | {"ecflow_client"},
    "sync": DATA | {"ecflow_client", "details"},
    "store": DATA | {"sync", "changes", "details"},
    "changes": DATA,
    "collect": DATA
    | {
        "deadlines",
        "config",
        "ecflow_client",
        "bindings",
        "sync",
        "store",
        "changes",
        "details",
        "causes",
        "silences",
    },
    "notify": DATA | {"causes", "config", "store"},
    "readback": DATA | {"config", "silences", "store"},
    "node_details": DATA | {"details", "store"},
    "follow": DATA | {"changes", "store"},
    "follow_all": DATA | {"changes", "follow", "store"},
    "wait": DATA | {"readback", "store"},
    "beside": DATA | {"details", "node_details", "readback", "store", "waits"},
    "check": DATA | {"deadlines", "readback", "silences", "waits"},
    "output": DATA
    | {
        "deadlines",
        "config",
        "collect",
        "readback",
        "check",
        "changes",
        "follow",
        "details",
        "waits",
        "beside",
        "silences",
    },
}
FOREIGN = {"redis": "store", "typer": "cli", "click": "cli", "ecflow": "bindings"}


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, in functions and for type checking too."""
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if stage_of(path) == "ecflow_client":  # a package of its own, which does not know this one
                assert not (node.module or "").startswith("watchman_cli"), f"{path}: not a relative import"
                if node.level:
                    assert node.level < len(path.relative_to(PACKAGE).parts), f"{path} imports from outside"
                    continue
            assert node.level == 0, f"{path}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def stage_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


FILES = sorted(PACKAGE.rglob("*.py"))


def is_allowed(stage: str, name: str) -> bool:
    """Return whether a stage may import a module of this name."""
    first, _, rest = name.partition(".")
    if first == "watchman_cli" and stage in ALLOWED:
        other = rest.partition(".")[0]
        return other == stage or other in ALLOWED[stage]
    return stage == FOREIGN.get(first, stage)


def test_a_stage_imports_only_what_the_flow_allows() -> None:
    found = [(path, name) for path in FILES for name in imports(path)]
    forbidden = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path, name in found
        if not is_allowed(stage_of(path), name)
    ]
    assert not forbidden


def test_import_against_the_flow_is_found() -> None:
    assert not is_allowed("snapshot", "watchman_cli.store.base") and not is_allowed("collect", "redis.client")
    assert is_allowed("store", "redis.client") and is_allowed("collect", "watchman_cli.store.base")
    assert is_allowed("cli", "watchman_cli.store") and is_allowed("snapshot", "json")


def test_every_stage_has_its_rule() -> None:
    without = {stage_of(path) for path in FILES} - set(ALLOWED)
    assert without == {"__init__", "__main__", "cli"}
