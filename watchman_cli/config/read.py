"""Read a configuration's files, the main one and those that it includes, or report every problem."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from watchman_cli.config import kept, secrets
from watchman_cli.config.file import SIZE_LIMIT, Document, read_bytes
from watchman_cli.config.permissions import find_other_writer
from watchman_cli.config.variables import Problem
from watchman_cli.errors import ConfigError


class ValidFile(NamedTuple):
    """A valid file: its content with its secrets and variables looked up, and as it is written."""

    value: Any
    written: Document


class _Content(NamedTuple):
    path: Path
    content: bytes
    readable_by_others: bool


def read_files(path: Path, environment: Mapping[str, str], *, with_store: bool) -> list[ValidFile]:
    """Return the file `path` and those that it includes, in their order.

    The main file's store is not looked up without `with_store`. Raises ConfigError with the problems of all
    files.
    """
    main = _Content(path, *read_bytes(path))
    return _find_kept(main, environment, with_store) or _parse_all(main, environment, with_store)


def _find_kept(main: _Content, environment: Mapping[str, str], with_store: bool) -> list[ValidFile] | None:
    """Return the files if they are kept as valid, and their secrets and variables can be looked up."""
    known = kept.find(main.content, environment)
    if known is None:
        return None
    documents = [Document(main.path, known.value, known.lines, main.readable_by_others)]
    if "include" in known.value:
        included, problems = _read_included(main.path, known.value)
        others = kept.find(_content_of_all(main, included), environment)
        if problems or others is None:
            return None
        for each, value in zip(included, others.value, strict=True):
            documents.append(Document(each.path, value, others.lines, each.readable_by_others))
    files = []
    for document in documents:
        value, problems = secrets.resolve(document.value, environment, with_store=with_store)
        if problems:
            return None
        files.append(ValidFile(value, document))
    return files


def _parse_all(main: _Content, environment: Mapping[str, str], with_store: bool) -> list[ValidFile]:
    """Return all files, parsed and checked. Raises ConfigError."""
    from watchman_cli.config.validate import find_problems
    from watchman_cli.config.yaml import describe_problems, parse

    including = parse(*main)
    included, include_problems = _read_included(main.path, including.value)
    messages: list[str] = []
    files: list[ValidFile] = []
    seen: dict[tuple[str, str], str] = {}
    for each in (main, *included):
        try:
            written = including if each is main else parse(*each)
        except ConfigError as error:
            messages += error.problems
            continue
        value, problems = secrets.resolve(written.value, environment, with_store=with_store)
        files.append(ValidFile(value, written))
        if each is main:
            found = find_problems(written._replace(value=value), problems + include_problems, seen=seen)
        else:
            found = find_problems(written._replace(value=value), problems, including, seen)
        messages += describe_problems(each.path, found)
    if not messages and not seen:
        line = including.lines.line_of(["include"])
        messages.append(f"{main.path}:{line}: include: no file names a server")
    if messages:
        raise ConfigError(messages)
    _keep(main, included, files, environment)
    return files


def _read_included(path: Path, document: Any) -> tuple[list[_Content], list[Problem]]:
    """Return the content of each file that the document of `path` includes, and the problems with them."""
    from watchman_cli.config.include import find_files, patterns_of

    files, problems = find_files(path, patterns_of(document))
    contents: list[_Content] = []
    seen: set[Path] = set()
    left = SIZE_LIMIT
    for file, place in files:
        writer = find_other_writer(file, path, seen)
        if writer:
            problems.append((place, f"{file}: refused, because other users can write it: {writer}"))
            continue
        try:
            contents.append(_Content(file, *read_bytes(file)))
        except ConfigError as error:
            problems += [(place, message) for message in error.problems]
            continue
        left -= len(contents[-1].content)
        if left < 0:
            problems.append((place, f"{file}: all included files have more than {SIZE_LIMIT} bytes"))
            break
    return contents, problems


def _content_of_all(main: _Content, included: Sequence[_Content]) -> bytes:
    return kept.combined(main.content, [each.content for each in included])


def _keep(
    main: _Content, included: Sequence[_Content], files: Sequence[ValidFile], environment: Mapping[str, str]
) -> None:
    """Keep valid files, if none holds a password, or must be checked in each run."""
    written = [each.written for each in files]
    if not all(_may_be_kept(each.value) for each in written):
        return
    first = written[0]
    kept.keep(main.content, first.value, kept.lines_of(first.lines.line_of, first.value), environment)
    if "include" in first.value:
        kept.keep(_content_of_all(main, included), [each.value for each in written[1:]], {}, environment)


def _may_be_kept(document: Mapping[str, Any]) -> bool:
    """Return whether a valid document is valid in each place where it is read, and holds no password.

    A password's file, and the zone of a deadline, must be looked at in each run.
    """
    if secrets.has_inline_password(document) or secrets.has_headers(document):
        return False
    entries = [document.get("defaults", {}), *document.get("servers", ())]
    zones = (each.get("zone") for entry in entries for each in entry.get("deadlines", ()))
    return not any({"password", "password_file"} & entry.keys() for entry in entries) and not any(zones)
