"""Read a YAML file safely as JSON's types, with the line of each key."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from watchman_cli.config.file import Document, read_bytes
from watchman_cli.errors import ConfigError
from watchman_cli.text import escaped, short_key

NODE_LIMIT = 1_000_000  # YAML nodes, each alias counted with all its nodes
DEPTH_LIMIT = 20
PROBLEMS_LIMIT = 1000  # reported for one file


class LineIndex:
    """The lines of a document's keys and items."""

    def __init__(self, tree: yaml.Node) -> None:
        self._tree = tree
        self._keys: dict[int, dict[str, tuple[int, yaml.Node]]] = {}

    def line_of(self, place: list[Any]) -> int:
        """Return the line of a path, or of its innermost part that exists."""
        node, line = self._tree, self._tree.start_mark.line
        for part in place:
            if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
                node = node.value[part]
                line = node.start_mark.line
            elif isinstance(node, yaml.MappingNode):
                line, node = self._inside(node).get(part, (line, node))
        return int(line) + 1

    def written(self, place: list[Any]) -> str | None:
        """Return a scalar as it is written, if it has no quotes, or None."""
        node: yaml.Node | None = self._tree
        for part in place:
            if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
                node = node.value[part]
            elif isinstance(node, yaml.MappingNode):
                node = self._inside(node).get(part, (0, None))[1]
        return node.value if isinstance(node, yaml.ScalarNode) and not node.style else None

    def _inside(self, node: yaml.MappingNode) -> dict[str, tuple[int, yaml.Node]]:
        if id(node) not in self._keys:
            inside = {key.value: (key.start_mark.line, value) for key, value in node.value}
            self._keys[id(node)] = inside
        return self._keys[id(node)]


def read(path: Path) -> Document:
    """Read a file. Raises ConfigError if it is not YAML with JSON's types."""
    return parse(path, *read_bytes(path))


def parse(path: Path, content: bytes, readable_by_others: bool) -> Document:
    """Return a file's content as a document. Raises ConfigError as `read` does."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError([f"{path}:{line}: not UTF-8"]) from error
    tree, value = _parse(path, text)
    return Document(path, value, LineIndex(tree), readable_by_others)


def describe_problems(path: Path, problems: Iterable[tuple[int, str]]) -> list[str]:
    """Return a message for each problem, which has a line and a message, in the order of the lines."""
    messages = [f"{path}:{line}: {message}" for line, message in sorted(islice(problems, PROBLEMS_LIMIT))]
    if len(messages) == PROBLEMS_LIMIT:
        messages.append(f"{path}: there may be more problems than these {PROBLEMS_LIMIT}")
    return messages


def raise_problems(path: Path, problems: Iterable[tuple[int, str]]) -> None:
    """Raise ConfigError with the problems, each a line and a message, if there are any."""
    messages = describe_problems(path, problems)
    if messages:
        raise ConfigError(messages)


class _JsonLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML's safe loader with JSON's types only: a date, and `off`, stay the text that they are."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [
            (tag, pattern) for tag, pattern in each if not tag.endswith((":timestamp", ":value", ":bool"))
        ]
        for first, each in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _construct_number(loader: Any, node: yaml.ScalarNode) -> Any:
    """Construct a decimal number; any other number of YAML 1.1 stays text."""
    if len(node.value) >= 100 or not _DECIMAL.fullmatch(node.value):
        return node.value
    value = float(node.value)
    if node.tag == _TAG + "int":
        return int(node.value)
    return value if math.isfinite(value) else node.value


# 03141, 0x1F, 0b1, 1_000 and 1:30 are numbers in YAML 1.1, too, but not the ones that they look like
_DECIMAL = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_TAG = "tag:yaml.org,2002:"
_MERGE = _TAG + "merge"
_NUMBERS = yaml.SafeLoader.yaml_implicit_resolvers
_JsonLoader.add_implicit_resolver(
    _TAG + "bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_JsonLoader.add_implicit_resolver(
    _TAG + "float", re.compile(r"^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+$"), list("-+.0123456789")
)
_JsonLoader.add_constructor(_TAG + "float", _construct_number)
_JsonLoader.add_constructor(_TAG + "int", _construct_number)
_JsonLoader.add_constructor(_MERGE, yaml.SafeLoader.construct_yaml_str)


def _parse(path: Path, text: str) -> tuple[yaml.Node, Any]:
    """Return the document as YAML nodes, which know their lines, and as Python's own types."""
    try:
        depth = 0
        for event in yaml.parse(text, Loader=_JsonLoader):  # without recursion, for any depth
            if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                depth += 1
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                depth -= 1
            if depth > DEPTH_LIMIT:
                raise ConfigError([f"{path}:{_mark_line(event)}: nested deeper than {DEPTH_LIMIT}"])
        loader = _JsonLoader(text)
        try:
            tree = loader.get_single_node()
            if tree is None:
                raise ConfigError([f"{path}:1: empty; it needs at least: servers"])
            raise_problems(path, _check_nodes(tree, loader))
            _merge(tree, set())
            return tree, loader.construct_document(tree)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        problem = ", ".join(part for part in (error.context, error.problem) if part)
        if "cannot start any token" in problem:
            problem += "; quote a value that begins with %, @ or `"
        raise ConfigError([f"{path}:{line}: not valid YAML: {escaped(problem)}"]) from error
    except yaml.reader.ReaderError as error:
        line = text.encode()[: error.position].count(b"\n") + 1
        raise ConfigError([f"{path}:{line}: not valid YAML: {escaped(error.reason)}"]) from error


def _mark_line(event: yaml.Event) -> int:
    return int(event.start_mark.line) + 1 if event.start_mark else 1


def _check_nodes(tree: yaml.Node, loader: _JsonLoader) -> list[tuple[int, str]]:
    """Return the problems that Python's types do not show: duplicate or other keys, tags, alias bombs."""
    problems: list[tuple[int, str]] = []
    measured: dict[int, tuple[int, int]] = {}

    def measure(node: yaml.Node, above: frozenset[int]) -> tuple[int, int]:
        """Return a node's number of values, with itself and through aliases, and their depth."""
        line = node.start_mark.line + 1
        if id(node) in above:
            problems.append((line, "an alias that contains itself"))
            return NODE_LIMIT, 0
        if len(above) + measured.get(id(node), (1, 1))[1] > DEPTH_LIMIT:
            problems.append((line, f"nested deeper than {DEPTH_LIMIT}, aliases included"))
            return NODE_LIMIT, 0
        if id(node) in measured:
            return measured[id(node)]
        if not _is_plain(node, loader):
            problems.append((line, "unsupported YAML tag"))
        inside = above | {id(node)}
        below: list[tuple[int, int]] = []
        if isinstance(node, yaml.MappingNode):
            seen = set()
            for key, value in node.value:
                if key.tag == _MERGE:
                    _check_merge(value, problems)
                if not isinstance(key, yaml.ScalarNode) or key.tag not in (_TAG + "str", _MERGE):
                    problems.append((key.start_mark.line + 1, "a key that is not a string"))
                elif key.value in seen:
                    problems.append((key.start_mark.line + 1, f"{short_key(key.value)}: duplicate key"))
                else:
                    seen.add(key.value)
                below.append(measure(value, inside))
        elif isinstance(node, yaml.SequenceNode):
            below += [measure(child, inside) for child in node.value]
        size, depth = 1 + sum(each[0] for each in below), 1 + max((each[1] for each in below), default=0)
        measured[id(node)] = size, depth
        return size, depth

    if measure(tree, frozenset())[0] >= NODE_LIMIT and not problems:
        problems.append((1, f"more than {NODE_LIMIT} values, aliases included"))
    return problems


def _check_merge(value: yaml.Node, problems: list[tuple[int, str]]) -> None:
    """Check a merge key's value: a mapping, or a list of mappings."""
    several = value.value if isinstance(value, yaml.SequenceNode) else [value]
    if not all(isinstance(each, yaml.MappingNode) for each in several):
        problems.append((value.start_mark.line + 1, "<<: expects an alias of a mapping, or a list of them"))


def _merge(node: yaml.Node, done: set[int]) -> None:
    """Replace the merge keys in a checked tree by the keys of the mappings that they name.

    A mapping's own keys override merged ones, and an earlier mapping overrides a later one. Not every release
    of PyYAML does that.
    """
    if id(node) in done or isinstance(node, yaml.ScalarNode):
        return
    done.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for child in node.value:
            _merge(child, done)
        return
    own: dict[str, tuple[yaml.Node, yaml.Node]] = {}
    merged: dict[str, tuple[yaml.Node, yaml.Node]] = {}
    for key, value in node.value:
        _merge(value, done)
        if key.tag != _MERGE:
            own[key.value] = key, value
            continue
        for mapping in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            for pair in mapping.value:
                merged.setdefault(pair[0].value, pair)
    node.value = list({**merged, **own}.values())


def number_as_read(text: str) -> str | None:
    """Return the number that YAML 1.1 reads in `text`, or None if it is a plain decimal or not a number."""
    if _DECIMAL.fullmatch(text):
        return None
    tags = [tag for tag, pattern in _NUMBERS.get(text[:1], ()) if pattern.match(text)]
    kind = next((tag.removeprefix(_TAG) for tag in tags if tag.endswith((":int", ":float"))), "")
    if not kind:
        return None
    node = yaml.ScalarNode(_TAG + kind, text)
    try:
        loader = yaml.SafeLoader("")
        number = loader.construct_yaml_int(node) if kind == "int" else loader.construct_yaml_float(node)
    except ValueError:  # such as 0x_
        return None
    return str(number) if math.isfinite(number) else None


def _is_plain(node: yaml.Node, loader: _JsonLoader) -> bool:
    """Return True if a node is a string, or has no tag that changes it: it can be constructed safely."""
    if isinstance(node, yaml.ScalarNode):
        return node.tag in (_TAG + "str", loader.resolve(yaml.ScalarNode, node.value, (True, False)))
    return bool(node.tag == _TAG + ("map" if isinstance(node, yaml.MappingNode) else "seq"))
