"""Docstrings of functions are commands (PEP 257): ruff's D401 finds verbs, this finds nouns."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support.sources import nodes_of

PACKAGE = Path(__file__).parent.parent.parent / "watchman_cli"
NOT_COMMANDS = {
    *("a", "an", "the", "this", "that", "those", "these", "it", "its", "each", "every", "all", "any", "one"),
    *("what", "which", "who", "whose", "whether", "how", "why", "when", "where", "no", "of", "as", "there"),
}
FILES = sorted(PACKAGE.rglob("*.py"))


def functions(path: Path) -> Iterator[tuple[str, str]]:
    """The name and docstring of each function that has one; properties are nouns."""
    for node in nodes_of(path):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            decorators = {ast.unparse(each).rpartition(".")[2] for each in node.decorator_list}
            docstring = ast.get_docstring(node)
            if docstring and not decorators & {"property", "cached_property", "abstractproperty"}:
                yield node.name, docstring


def test_a_docstring_begins_with_a_verb() -> None:
    nouns = [
        f"{path.relative_to(PACKAGE)}: {name}: {docstring.splitlines()[0]}"
        for path in FILES
        for name, docstring in functions(path)
        if docstring.split()[0].strip("`,.;:").lower() in NOT_COMMANDS
    ]
    assert not nouns
