"""The configuration: where it is looked for, how it is checked, and what it says."""

from __future__ import annotations

import difflib
import math
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from watchman_cli import schema
from watchman_cli.errors import ConfigError

SIZE_LIMIT = 4 << 20  # bytes: 10,000 servers take 1 MB
NODE_LIMIT = 1_000_000  # YAML nodes, each alias counted as what it stands for
DEPTH_LIMIT = 20
MISTAKES_LIMIT = 1000  # told of one file


@dataclass(frozen=True)
class Server:
    """One ecFlow server that is watched; times are in seconds."""

    owner: str
    repo: str
    host: str
    port: int
    connect_timeout: float
    attempts: int
    deadline: float
    full_sync_every: float
    ssl: bool
    expire: int | None = None
    user: str | None = None
    password: str | None = None
    suites: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """`owner/repo`, under which it is kept in the store."""
        return f"{self.owner}/{self.repo}"

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Config:
    """A configuration file that was found without a mistake."""

    path: Path
    store: str
    ecflow_python: str | None
    sync_cache: str
    servers: tuple[Server, ...]
    warnings: tuple[str, ...]
    store_named_by: str = "store"  # the option, the variable or the line of the file

    def select(self, names: Iterable[str]) -> tuple[Server, ...]:
        """The servers of these names, each a `repo`, or `owner/repo` where a repo is not unique.

        All servers where no name is given. Raises ConfigError for an unknown or ambiguous name.
        """
        wrong, chosen = [], set()
        for name in names:
            matches = [server for server in self.servers if name in (server.repo, server.name)]
            if len(matches) == 1:
                chosen.add(matches[0].name)
            elif matches:
                those = ", ".join(server.name for server in matches)
                wrong.append(f"--server {name}: more than one server has this repo, name one of: {those}")
            else:
                known = [n for server in self.servers for n in (server.name, server.repo)]
                wrong.append(f"--server {name}: no such server in {self.path}{_suggestion(name, known)}")
        if wrong:
            raise ConfigError(wrong)
        return tuple(server for server in self.servers if not chosen or server.name in chosen)


def find(explicit: str | None, environment: Mapping[str, str] = os.environ) -> Path:
    """The configuration file to use. Raises ConfigError where there is none."""
    named = explicit or environment.get("WATCHMAN_CONFIG")
    if named:
        return Path(named)
    places = [Path("watchman.yaml")]
    base = environment.get("XDG_CONFIG_HOME") or (
        environment["HOME"] + "/.config" if environment.get("HOME") else ""
    )
    if base:
        places.append(Path(base) / "watchman" / "config.yaml")
    places.append(Path("/etc/watchman/config.yaml"))
    for place in places:
        if os.path.exists(place):  # noqa: PTH110 (a folder that may not be read has none for us)
            return place
    looked = ", ".join(str(place) for place in places)
    raise ConfigError([f"no configuration found: name one with --config FILE (looked for {looked})"])


def load(path: Path, environment: Mapping[str, str] = os.environ, store: str | None = None) -> Config:
    """Read and check a configuration file.

    `store` and the environment's WATCHMAN_STORE override the file's store, in this order. Raises
    ConfigError with every mistake, each with its file, line and place.
    """
    text, warnings = _read(path)
    tree, document = _parse(path, text)
    _refuse(path, _mistakes(tree, document))
    defaults = {**_schema_defaults(), **document.get("defaults", {})}
    servers = tuple(_server({**defaults, **entry}) for entry in document["servers"])
    if warnings and not (
        _has_password(document.get("store", "")) or any(server.password for server in servers)
    ):
        warnings = ()
    return Config(
        path=path,
        store=store_url(store, environment, document.get("store")),
        store_named_by=_store_named_by(store, environment, f"{path}:{_Lines(tree).of(['store'])}: store"),
        ecflow_python=environment.get("WATCHMAN_ECFLOW_PYTHON") or document.get("ecflow_python"),
        sync_cache=document.get("sync_cache", _default("sync_cache")),
        servers=servers,
        warnings=warnings,
    )


def store_url(option: str | None, environment: Mapping[str, str], configured: str | None) -> str:
    """The store's URL: of the option, else WATCHMAN_STORE, else as configured, else the default.

    Raises ConfigError where it is not one, or tells a password to whoever lists processes.
    """
    url: str = option or environment.get("WATCHMAN_STORE") or configured or _default("store")
    if not schema.is_valid("config", {"store": url, "servers": [_ANY_SERVER]}):
        expected = schema.load("config")["properties"]["store"]["x-expected"]
        raise ConfigError([f"{_store_named_by(option, environment, 'store')}: expected {expected}"])
    if option and _has_password(option):
        raise ConfigError(
            ["--store: a password on the command line is seen by everybody; use WATCHMAN_STORE or the file"]
        )
    return url


def _store_named_by(option: str | None, environment: Mapping[str, str], otherwise: str) -> str:
    if option:
        return "--store"
    return "WATCHMAN_STORE" if environment.get("WATCHMAN_STORE") else otherwise


_ANY_SERVER = {"owner": "o", "repo": "r", "host": "h", "port": 1}


def _has_password(url: str) -> bool:
    return re.search("://[^@]*:.*@|password=", url) is not None


def _default(name: str) -> Any:
    return schema.load("config")["properties"][name]["default"]


def _schema_defaults() -> dict[str, Any]:
    of_a_server = schema.load("config")["$defs"]
    return {name: each["default"] for name, each in of_a_server.items() if "default" in each}


def _server(entry: dict[str, Any]) -> Server:
    settings = {**entry, "suites": tuple(entry.get("suites", ()))}
    for name in {"port", "attempts", "expire"} & entry.keys():
        settings[name] = int(entry[name])  # JSON Schema takes 3141.0 for an integer too
    return Server(**settings)


def _read(path: Path) -> tuple[str, tuple[str, ...]]:
    """The file's text, and a warning for a file that others may read."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError([f"{path}: not a regular file"])
        if status.st_size > SIZE_LIMIT:
            raise ConfigError([f"{path}: {status.st_size} bytes; a configuration has at most {SIZE_LIMIT}"])
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError([f"{path}:{line}: not UTF-8"]) from error
    if status.st_mode & (stat.S_IRGRP | stat.S_IROTH):
        return text, (f"{path} holds a password and others may read it: chmod 600 {path}",)
    return text, ()


# ------------------------------------------------------------------------------ YAML, with its lines


class _JsonLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML's safe loader with JSON's types only: a date, and `off`, stay the text that they are."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [
            (tag, pattern)
            for tag, pattern in each
            if not tag.endswith((":timestamp", ":merge", ":value", ":bool"))
        ]
        for first, each in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _construct_float(loader: Any, node: yaml.ScalarNode) -> Any:
    value = yaml.SafeLoader.construct_yaml_float(loader, node)
    return value if math.isfinite(value) else node.value  # JSON has no such number


def _construct_int(loader: Any, node: yaml.ScalarNode) -> Any:
    try:
        return yaml.SafeLoader.construct_yaml_int(loader, node) if len(node.value) < 100 else node.value
    except ValueError:  # 0x_ looks like one
        return node.value


_JsonLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), ["t", "f"])
_JsonLoader.add_constructor("tag:yaml.org,2002:float", _construct_float)
_JsonLoader.add_constructor("tag:yaml.org,2002:int", _construct_int)


def _parse(path: Path, text: str) -> tuple[yaml.Node, Any]:
    """The document as YAML nodes, which know their lines, and as Python's own types."""
    try:
        depth = 0
        for event in yaml.parse(text, Loader=_JsonLoader):  # without recursion, however deep it is
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
            _refuse(path, _check_nodes(tree, loader))
            return tree, loader.construct_document(tree)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        problem = ", ".join(part for part in (error.context, error.problem) if part)
        raise ConfigError([f"{path}:{line}: not valid YAML: {_printable(problem)}"]) from error
    except yaml.reader.ReaderError as error:
        line = text.encode()[: error.position].count(b"\n") + 1
        raise ConfigError([f"{path}:{line}: not valid YAML: {_printable(error.reason)}"]) from error


def _mark_line(event: yaml.Event) -> int:
    return int(event.start_mark.line) + 1 if event.start_mark else 1


def _check_nodes(tree: yaml.Node, loader: _JsonLoader) -> list[tuple[int, str]]:
    """The mistakes that are gone once YAML is Python: repeated keys, keys not text, tags, alias bombs."""
    wrong: list[tuple[int, str]] = []
    measured: dict[int, tuple[int, int]] = {}

    def measure(node: yaml.Node, above: frozenset[int]) -> tuple[int, int]:
        """The number of values that a node stands for, itself included, and how deep they are nested."""
        line = node.start_mark.line + 1
        if id(node) in above:
            wrong.append((line, "an alias stands for something that it is part of"))
            return NODE_LIMIT, 0
        if len(above) + measured.get(id(node), (1, 1))[1] > DEPTH_LIMIT:
            wrong.append((line, f"nested deeper than {DEPTH_LIMIT}, aliases included"))
            return NODE_LIMIT, 0
        if id(node) in measured:
            return measured[id(node)]
        if not _is_plain(node, loader):
            wrong.append((line, "a tag that has no meaning here"))
        inside = above | {id(node)}
        below: list[tuple[int, int]] = []
        if isinstance(node, yaml.MappingNode):
            seen = set()
            for key, value in node.value:
                if not isinstance(key, yaml.ScalarNode) or key.tag != _TAG + "str":
                    wrong.append((key.start_mark.line + 1, "a key that is not text"))
                elif key.value in seen:
                    wrong.append((key.start_mark.line + 1, f"{_key(key.value)}: given twice"))
                else:
                    seen.add(key.value)
                below.append(measure(value, inside))
        elif isinstance(node, yaml.SequenceNode):
            below += [measure(child, inside) for child in node.value]
        size, depth = 1 + sum(each[0] for each in below), 1 + max((each[1] for each in below), default=0)
        measured[id(node)] = size, depth
        return size, depth

    if measure(tree, frozenset())[0] >= NODE_LIMIT and not wrong:
        wrong.append((1, f"more than {NODE_LIMIT} values, aliases included"))
    return wrong


_TAG = "tag:yaml.org,2002:"


def _is_plain(node: yaml.Node, loader: _JsonLoader) -> bool:
    """Whether a node is what it would be without a tag, or text: then constructing it cannot fail."""
    if isinstance(node, yaml.ScalarNode):
        return node.tag in (_TAG + "str", loader.resolve(yaml.ScalarNode, node.value, (True, False)))
    return bool(node.tag == _TAG + ("map" if isinstance(node, yaml.MappingNode) else "seq"))


# ------------------------------------------------------------------------------------ mistakes


def _refuse(path: Path, mistakes: Iterable[tuple[int, str]]) -> None:
    """Raise ConfigError with the mistakes, each a line and a message, if there are any."""
    found = sorted(islice(mistakes, MISTAKES_LIMIT))
    told = [f"{path}:{line}: {message}" for line, message in found]
    if len(found) == MISTAKES_LIMIT:
        told.append(f"{path}: there may be more mistakes than these {MISTAKES_LIMIT}")
    if told:
        raise ConfigError(told)


def _mistakes(tree: yaml.Node, document: Any) -> Iterator[tuple[int, str]]:
    lines = _Lines(tree)
    if not schema.is_valid("config", document):
        for error in schema.mistakes("config", document, MISTAKES_LIMIT):
            for place, message in _explain(error):
                yield lines.of(place), _dotted(place) + message
    defaults = document.get("defaults") if isinstance(document, dict) else None
    defaults = defaults if isinstance(defaults, dict) else {}
    seen: dict[tuple[Any, Any], int] = {}
    entries = document.get("servers") if isinstance(document, dict) else None
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        settings = {**defaults, **entry} if isinstance(entry, dict) else {}
        if "user" in settings and "password" not in settings:
            wrong = "ecFlow wants a password with it; password is missing"
            yield lines.of(["servers", index, "user"]), f"servers[{index}].user: {wrong}"
        pair = (entry.get("owner"), entry.get("repo")) if isinstance(entry, dict) else (None, None)
        if not all(isinstance(part, str) for part in pair):
            continue
        line = lines.of(["servers", index])
        if pair in seen:
            name = _printable("/".join(pair))
            yield line, f"servers[{index}]: {name} is already the server of line {seen[pair]}"
        seen.setdefault(pair, line)


def _explain(error: Any) -> Iterator[tuple[list[Any], str]]:
    """What one jsonschema error means to whoever wrote the file: a place and a message, or several."""
    place = list(error.absolute_path)
    value, rule = error.instance, error.validator_value
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        for key in value:
            if key not in known:
                yield [*place, key], f"unknown key{_suggestion(key, known)}"
    elif error.validator == "required":
        missing = next(name for name in rule if name not in value and f"'{name}'" in error.message)
        yield place, f"{missing} is missing"
    else:
        secret = "password" in place or place == ["store"]
        if error.validator == "type" and rule in ("object", "array") and isinstance(value, str):
            secret = True  # `password secret`, where the colon was forgotten
        shown = "this value" if secret else _shown(value)
        yield place, _why(error.validator, shown, rule, error.schema)


def _why(validator: str, shown: str, rule: Any, of: dict[str, Any]) -> str:
    if validator == "type":
        names: dict[str, str] = {
            "integer": "a whole number",
            "number": "a number",
            "string": "text",
            "array": "a list",
        }
        names |= {"object": "keys and values", "boolean": "true or false"}
        return f"{shown} is not {names[rule]}"
    if validator == "maximum":
        return f"{shown} is greater than {rule}"
    if validator == "minimum":
        return f"{shown} is less than {rule}"
    if validator == "exclusiveMinimum":
        return f"{shown} is not greater than {rule}"
    if validator == "pattern":
        return f"{shown} is not {of['x-expected']}"
    if validator == "uniqueItems":
        return f"{shown} names one twice"
    return f"{shown} is too short; it needs at least {rule}"


def _shown(value: Any) -> str:
    if isinstance(value, str):
        if "@" in value:  # it may hold a password
            return "this address"
        value = repr(value)
    elif isinstance(value, bool):
        value = str(value).lower()
    elif value is None:
        return "nothing"
    elif isinstance(value, (dict, list)):
        return "a list" if isinstance(value, list) else "a group of keys"
    text = _printable(str(value))
    return text if len(text) <= 60 else text[:57] + "..."


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _suggestion(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word[:100], list(known), 1) if word else []
    return f"; did you mean {near[0]}?" if near else ""


def _dotted(place: list[Any]) -> str:
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else ("." if text else "") + _key(part)
    return text + ": " if text else ""


def _key(text: str) -> str:
    """A key, without what may be its value: of `password:secret`, without a blank, YAML makes a key."""
    name = re.match(r"[\w .-]{0,60}", text)
    shown = _printable(name[0] if name else "")
    return shown if shown == text else shown + "..."


class _Lines:
    """The lines of a document's places."""

    def __init__(self, tree: yaml.Node) -> None:
        self._tree = tree
        self._keys: dict[int, dict[str, tuple[int, yaml.Node]]] = {}

    def of(self, place: list[Any]) -> int:
        """The line of a place, or of the innermost part of it that is there."""
        node, line = self._tree, self._tree.start_mark.line
        for part in place:
            if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
                node = node.value[part]
                line = node.start_mark.line
            elif isinstance(node, yaml.MappingNode):
                line, node = self._inside(node).get(part, (line, node))
        return int(line) + 1

    def _inside(self, node: yaml.MappingNode) -> dict[str, tuple[int, yaml.Node]]:
        if id(node) not in self._keys:
            inside = {key.value: (key.start_mark.line, value) for key, value in node.value}
            self._keys[id(node)] = inside
        return self._keys[id(node)]
