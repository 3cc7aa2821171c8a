"""A tree of nodes from a definition's text, as the server sends it: for tests of `why` without a server."""

from __future__ import annotations

from collections.abc import Sequence

from watchman_cli.details.attributes import Variable
from watchman_cli.details.node import Node, ServerDetails
from watchman_cli.details.parse import parse_attribute

KEYWORDS = ("suite", "family", "task", "alias")


class DefinitionTree:
    """Nodes by path, in their order."""

    def __init__(self, text: str) -> None:
        self._nodes: dict[str, Node] = {}
        self._children: dict[str, list[str]] = {}
        variables: dict[str, str] = {}
        state = "RUNNING"
        above: list[Node] = []
        flags: tuple[str, ...] = ()
        lines: list[str] = []
        for line in map(str.strip, text.splitlines()):
            keyword, _, rest = line.partition(" ")
            if keyword == "defs_state":
                state = next(
                    (word[13:] for word in rest.split() if word.startswith("server_state:")), "HALTED"
                )
                flags = next(
                    (tuple(word[5:].split(",")) for word in rest.split() if word.startswith("flag:")), ()
                )
            elif keyword in KEYWORDS:
                while (
                    above
                    and KEYWORDS.index(above[-1].kind) >= KEYWORDS.index(keyword)
                    and not (keyword == above[-1].kind == "family")
                ):
                    above.pop()
                name, _, tokens = rest.partition(" # ")
                parent = above[-1].path if above else ""
                lines = []
                node = Node(f"{parent}/{name.strip()}", keyword, tokens, lines)  # type: ignore[arg-type]
                self._nodes[node.path] = node
                self._children.setdefault(parent or "/", []).append(node.path)
                above.append(node)
            elif keyword in ("endsuite", "endfamily", "endtask", "endalias"):
                while above and above.pop().kind != keyword[3:]:
                    pass
            elif keyword == "edit" and not above:
                variable = parse_attribute(line.removesuffix(" # server"))
                assert isinstance(variable, Variable)
                variables[variable.name] = variable.value
            elif above and not line.startswith("#") and line:
                lines.append(line)
        self.server = ServerDetails(state, variables, flags)

    def node(self, path: str) -> Node | None:
        return self._nodes.get(path)

    def children(self, path: str) -> Sequence[Node]:
        return [self._nodes[each] for each in self._children.get(path, ())]
