"""What ecFlow's bindings say of a definition's nodes, beside what `why` says of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.support.agents import ask_agent
from tests.support.definition_tree import DefinitionTree
from tests.support.release import Release
from watchman_cli.waits.condition import Wait
from watchman_cli.waits.conditions import conditions_of, stopping


def bindings_truth(release: Release, text: str) -> dict[str, dict[str, Any]]:
    """Return, for each path, the value of its trigger and complete, and the lines of WhyCmd."""
    kind, result = ask_agent(release, ["127.0.0.1", 1, "truth", text])
    assert kind == "ok", result
    found: dict[str, dict[str, Any]] = result
    return found


def differences(text: str, truth: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield each node and expression of which `why` says something else than ecFlow does."""
    tree = DefinitionTree(text)
    for path, said in truth.items():
        node = tree.node(path)
        assert node, path
        waits = list(conditions_of(tree, node))
        own = {each.kind: each for each in waits if each.path == path}
        for kind in ("trigger", "complete"):
            if kind in said and own[kind].holds is not said[kind]:
                yield f"{path}: {own[kind].expression} is {said[kind]}"
        stops = [each for each in stopping(node, waits) if each.kind != "server" and not is_silent(each)]
        if len(stops) != len(said["why"]):
            yield f"{path}: stopped by {[each.text for each in stops]}, and ecFlow says {said['why']}"


def is_silent(wait: Wait) -> bool:
    """Return whether WhyCmd says nothing of a condition that stops a node: a text that it cannot read."""
    return wait.kind == "trigger" and wait.truth is None
