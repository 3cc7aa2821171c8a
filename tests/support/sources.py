"""The package's source files, parsed once for all tests that look at them."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path


@cache
def parsed(path: Path) -> ast.Module:
    """Return a file's syntax tree, which no test changes."""
    return ast.parse(path.read_text())
