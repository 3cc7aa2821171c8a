"""Each module that needs no server has a test module of the same name in the same folder of tests/unit."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.support.sources import nodes_of

UNIT = Path(__file__).parent
PACKAGE = UNIT.parent.parent / "watchman_cli"
# Modules that are tested with a real server, or as a process of their own, with the reason.
NEEDS_SERVER = {
    "__main__.py": "the entry point: tests/integration starts it as a process",
    "bindings/referee.py": "it starts interpreters, with the real bindings",
    "bindings/script.py": "it runs under the interpreter that has the real bindings",
    "cli/changes.py": "a command: tests/integration runs it as a process",
    "cli/check.py": "a command: tests/integration runs it as a process",
    "cli/collect.py": "a command: tests/integration runs it as a process",
    "cli/completion.py": "a command: tests/integration runs it as a process",
    "cli/config_check.py": "a command: tests/integration runs it as a process",
    "cli/config_import.py": "a command: tests/integration runs it as a process",
    "cli/config_init.py": "a command: tests/integration runs it as a process",
    "cli/config_servers.py": "a command: tests/integration runs it as a process",
    "cli/find.py": "a command: tests/integration runs it as a process",
    "cli/lint.py": "a command: tests/integration runs it as a process",
    "cli/node.py": "a command: tests/integration runs it as a process",
    "cli/why.py": "a command: tests/integration runs it as a process",
    "nodes.py": "it reads what a run has stored: tests/integration/test_nodes.py",
    "cli/lazy.py": "the commands' help and start: tests/unit/cli/test_help.py, and each process",
    "cli/list.py": "a command: tests/integration runs it as a process",
    "cli/main.py": "a command: tests/integration runs it as a process",
    "cli/metrics.py": "a command: tests/integration runs it as a process",
    "cli/options.py": "a command: tests/integration runs it as a process",
    "cli/page.py": "a command: tests/integration runs it as a process",
    "cli/show.py": "a command: tests/integration runs it as a process",
    "cli/silence.py": "a command: tests/integration/test_silence.py runs it",
    "store/directory/silences.py": "the contract's tests: tests/integration/store/test_silences.py",
    "store/redis/silences.py": "the contract's tests: tests/integration/store/test_silences.py",
    "cli/wait.py": "a command: tests/integration runs it as a process",
    "output/progress.py": "a live display, on the terminal of a process in tests/integration",
    "signals.py": "signals end a process: tests/integration/test_process.py",
}


def has_code(path: Path) -> bool:
    """Return True if a module has a function: a class without one holds only data."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    return any(isinstance(node, functions) for node in nodes_of(path))


def twin_of(name: str) -> Path:
    """Return the path of a module's tests; a package's own code is tested in a module of its name."""
    path = Path(name)
    stem = path.parent.name if path.stem == "__init__" else path.stem
    return UNIT / path.parent / f"test_{stem}.py"


MODULES = [
    str(path.relative_to(PACKAGE))
    for path in sorted(PACKAGE.rglob("*.py"))
    if has_code(path) and path != PACKAGE / "__init__.py"  # it loads public names
]


def test_module_has_a_twin() -> None:
    missing = [name for name in MODULES if not twin_of(name).exists() and name not in NEEDS_SERVER]
    assert not missing, f"write tests/unit/…/test_….py for {missing}, or give a reason in NEEDS_SERVER"


def test_listed_module_exists_without_a_twin() -> None:
    gone = NEEDS_SERVER.keys() - {*MODULES}
    assert not gone, f"{gone} do not exist, or have no code: remove them from the list"
    tested = [name for name in NEEDS_SERVER if twin_of(name).exists()]
    assert not tested, f"{tested} have twins: remove them from the list"
