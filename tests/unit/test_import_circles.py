"""No module imports itself by way of others, in functions and for type checking neither."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.support.sources import nodes_of

PACKAGE = Path(__file__).parents[2] / "watchman_cli"
# Public names of `watchman_cli` are imported when they are first used, and every module may need its version.
FACADE = "watchman_cli"


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path, modules: Mapping[str, Path]) -> Iterator[str]:
    """The modules of the package that a file names in its imports, for type checking too."""
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                package = ".".join(path.relative_to(PACKAGE.parent).parts[: -node.level])
                origin = f"{package}.{origin}".rstrip(".")
            if origin in modules:
                for alias in node.names:
                    submodule = f"{origin}.{alias.name}"
                    yield submodule if submodule in modules else origin


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """The sets of modules that can each be reached from all others of the set (Tarjan)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in graph[name]:
            if other not in index:
                visit(other)
            if other in stack:
                low[name] = min(low[name], low[other])
        if low[name] == index[name]:
            cut = stack.index(name)
            circle, stack[cut:] = stack[cut:], []
            if len(circle) > 1 or name in graph[name]:
                found.append(sorted(circle))

    for name in graph:
        if name not in index:
            visit(name)
    return sorted(found)


def test_circles_are_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": set[str](), "f": {"f"}}
    assert circles(graph) == [["a", "b", "c"], ["f"]]


def test_no_module_is_in_a_circle() -> None:
    modules = {module_name(path): path for path in PACKAGE.rglob("*.py")}
    graph = {name: {*imported(path, modules)} - {FACADE} for name, path in modules.items()}
    assert "watchman_cli.ecflow_client.work" in graph["watchman_cli.ecflow_client.client"]
    assert graph["watchman_cli.follow"] >= {"watchman_cli.store", "watchman_cli.changes.batch"}
    assert circles(graph) == []
