"""A server's nodes, read from a store one by one, with their changes put in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from watchman_cli.details.changed import Parts, decode
from watchman_cli.details.fields import EVERY_KIND, KINDS_KEPT, SERVER, decompress, fields_of
from watchman_cli.details.merge import blocks, node_of, server_of
from watchman_cli.details.node import Node, ServerDetails
from watchman_cli.details.stored import DetailsChanged, StoredDetails

Read = Callable[["Sequence[str] | None", "Sequence[str] | None"], StoredDetails]


class DetailsDamaged(Exception):
    """The stored details are not as a run writes them."""


class StoredTree:
    """The nodes of a server, read from a store when they are asked for; a field is read once.

    `read` returns some fields, and some nodes that changed; all of them without a list. Everything is of one
    stamp: DetailsChanged is raised if that is replaced meanwhile, DetailsDamaged if a field is not readable.
    """

    def __init__(self, read: Read, stamp: str) -> None:
        self._read, self._stamp = read, stamp
        self._lines: dict[str, str] = {}  # by the family, as they are stored
        self._known: set[str] = set()  # fields that were asked for
        self._families: dict[str, dict[str, Node]] = {}
        self._server: ServerDetails | None = None

    @property
    def server(self) -> ServerDetails:
        """What the server has besides its suites."""
        if self._server is None:
            found = self._checked([SERVER], ["/"])
            self._add(found.fields)
            changed = found.changed.get("/")
            self._server = server_of(self._lines.get(SERVER, ""), _parts(changed) if changed else None)
        return self._server

    def missing(self, kinds: Collection[str]) -> list[str]:
        """Return which of these kinds of details are not kept: what is not there may be on the server."""
        _ = self.server
        kept = self._lines.get(KINDS_KEPT, "")
        return [] if kept == EVERY_KIND else sorted(set(kinds) - set(kept.split()))

    def node(self, path: str) -> Node | None:
        """Return the node at an absolute path, or None."""
        family = path[: path.rfind("/") + 1]
        return self._family(family).get(path) if family else None

    def children(self, path: str) -> Sequence[Node]:
        """Return the nodes right below a path, in their order; the suites below `/`."""
        return list(self._family(path.rstrip("/") + "/").values())

    def load(self) -> None:
        """Read everything at once, for a search through all nodes."""
        found = self._checked(None, None)
        self._add(found.fields)
        for family, lines in self._lines.items():
            if family.startswith("/"):
                self._families[family] = _nodes(family, lines, found.changed)
        self._known.update(field for family in self._lines for field in fields_of(family))

    def _family(self, family: str) -> dict[str, Node]:
        found = self._families.get(family)
        if found is None:
            unknown = [field for field in fields_of(family) if field not in self._known]
            if unknown and family not in self._lines:
                self._known.update(unknown)
                self._add(self._checked(unknown, []).fields)
            lines = self._lines.get(family, "")
            paths = [family + block.name for block in blocks(lines)]
            changed = self._checked([], paths).changed if paths else {}
            found = self._families[family] = _nodes(family, lines, changed)
        return found

    def _add(self, fields: Mapping[str, bytes]) -> None:
        for value in fields.values():
            try:
                self._lines |= decompress(value)
            except ValueError as error:
                raise DetailsDamaged from error

    def _checked(self, fields: Sequence[str] | None, paths: Sequence[str] | None) -> StoredDetails:
        found = self._read(fields, paths)
        if found.stamp != self._stamp or not found.is_whole:
            raise DetailsChanged
        return found


def _nodes(family: str, lines: str, changed: Mapping[str, bytes]) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for block in blocks(lines):
        of_node = changed.get(family + block.name)
        node = node_of(family, block, _parts(of_node) if of_node else None)
        found.setdefault(node.path, node)
    return found


def _parts(value: bytes) -> Parts:
    try:
        return decode(value)
    except ValueError as error:
        raise DetailsDamaged from error
