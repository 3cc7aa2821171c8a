"""The client of ecFlow's protocol is a package of its own: its names, its errors, its messages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from watchman_cli import ecflow_client
from watchman_cli.ecflow_client import errors

PACKAGE = Path(ecflow_client.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))


def modules() -> Iterator[str]:
    for path in FILES:
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[-1] != "__init__":
            yield ".".join((ecflow_client.__name__, *parts))


def messages(tree: ast.AST) -> Iterator[str]:
    """Yield each string of a module that is not a docstring."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def test_every_error_is_in_the_tree_and_exported() -> None:
    raised = {
        value
        for name in modules()
        for value in vars(import_module(name)).values()
        if isinstance(value, type)
        and issubclass(value, Exception)
        and value.__module__.startswith(ecflow_client.__name__)
        and not value.__name__.startswith("_")
    }
    assert len(raised) > 25
    tree = re.findall(r"^[│├└─ ]*([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE)
    for error in raised:
        assert issubclass(error, errors.EcflowError), error
        assert error.__module__ == errors.__name__, f"{error} is not in errors.py"
        assert getattr(ecflow_client, error.__name__) is error and error.__name__ in ecflow_client.__all__
    assert sorted(error.__name__ for error in raised) == sorted(tree[1:])
    assert len(tree[1:]) == len(set(tree[1:]))


def test_every_exported_name_is_there() -> None:
    assert sorted(ecflow_client.__all__) == ecflow_client.__all__
    assert all(hasattr(ecflow_client, name) for name in ecflow_client.__all__)


def test_no_message_names_a_setting_of_a_program_that_uses_it() -> None:
    """A setting stands in backquotes. The advice is the program's (watchman_cli/collect/result.py)."""
    for path in FILES:
        for message in messages(ast.parse(path.read_text())):
            assert "`" not in message and "watchman" not in message, f"{path}: {message}"


def test_example_is_short_and_needs_only_the_package() -> None:
    text = (PACKAGE.parents[1] / "examples" / "ecflow_states.py").read_text()
    assert len(text.splitlines()) <= 15
    imported = {
        name
        for node in ast.walk(ast.parse(text))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported == {"sys", "watchman_cli.ecflow_client"}
