"""The files that the patterns of `include` name."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from watchman_cli.config.variables import Problem


def patterns_of(document: Any) -> list[tuple[list[Any], str]]:
    """Return each pattern of a document, with its path in the document; others than texts are passed over."""
    written = document.get("include") if isinstance(document, dict) else None
    if isinstance(written, str) and written:
        return [(["include"], written)]
    several = written if isinstance(written, list) else []
    return [
        (["include", index], each) for index, each in enumerate(several) if isinstance(each, str) and each
    ]


def find_files(
    path: Path, patterns: Sequence[tuple[list[Any], str]]
) -> tuple[list[tuple[Path, list[Any]]], list[Problem]]:
    """Return the files that the patterns in the file `path` name, and the problems with the patterns.

    Each file is there once, in order of name, and has the path of its pattern in the document. A pattern is
    relative to the directory of `path`, and never matches `path` itself.
    """
    files: dict[Path, tuple[Path, list[Any]]] = {}
    problems: list[Problem] = []
    own = Path(os.path.realpath(path))
    for place, pattern in patterns:
        try:
            matches = sorted(_matches(path.parent, Path(os.path.expanduser(pattern)).parts))  # noqa: PTH111
        except OSError as error:
            problems.append((place, f"{error.filename}: {error.strerror}"))
            continue
        if not matches and not _is_pattern(pattern):
            problems.append((place, f"{path.parent / pattern}: No such file or directory"))
        for match in matches:
            resolved = Path(os.path.realpath(match))
            if resolved != own:
                files.setdefault(resolved, (match, place))
    return list(files.values()), problems


def _is_pattern(text: str) -> bool:
    return "*" in text or "?" in text


def _matches(folder: Path, parts: Sequence[str]) -> Iterator[Path]:
    """Yield the paths that a pattern's parts name; hidden files match only if the part begins with a dot.

    Raises OSError if a directory cannot be listed: its files would be missed in silence.
    """
    if not parts:
        yield folder
        return
    first, rest = parts[0], parts[1:]
    if not _is_pattern(first):
        place = folder / first
        if rest or os.path.lexists(place):
            yield from _matches(place, rest)
        return
    try:
        names = os.listdir(folder)  # noqa: PTH208 (its error names the directory)
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        is_hidden = name.startswith(".") and not first.startswith(".")
        if not is_hidden and fnmatchcase(name, first.replace("[", "[[]")):
            yield from _matches(folder / name, rest)
