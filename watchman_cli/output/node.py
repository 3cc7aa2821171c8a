"""All that is known of one node, for a person."""

from __future__ import annotations

from collections.abc import Iterator

from watchman_cli.details.attributes import Event, Label, Limit, Meter, Queue, Repeat
from watchman_cli.details.generated import repeat_text
from watchman_cli.details.summary import NodeDetails
from watchman_cli.output.format import colourize
from watchman_cli.text import printable


def render(node: NodeDetails, colour: bool) -> Iterator[str]:
    """Yield the lines of a node: its state, its paths, its attributes, its variables."""
    flags = "".join(f", {printable(each)}" for each in node.flags)
    yield f"{printable(node.path)}: {node.kind}, {colourize(node.status, node.status, colour)}{flags}"
    for name, value in (
        ("try", str(node.try_number) if node.try_number else ""),
        ("job", node.job_id),
        ("aborted", node.reason),
        ("script", node.script),
        ("job file", node.job),
        ("output", node.output),
    ):
        if value:
            yield f"  {name:<9} {printable(value)}"
    for attribute in node.attributes:
        line = _attribute(attribute)
        if line:
            yield f"  {printable(line)}"
    if node.variables:
        yield "  variables"
        width = min(24, max(len(each.name) for each in node.variables))
        for each in node.variables:
            origin = "" if each.source == "own" else f"  ({each.source}, {printable(each.path)})"
            yield f"    {printable(each.name):<{width}} {printable(each.value)}{origin}"


def _attribute(attribute: object) -> str:
    """Return the words for an attribute; empty for a variable, which is listed apart, and for others."""
    if isinstance(attribute, Event):
        name = attribute.name or str(attribute.number)
        return f"event     {name}: {'set' if attribute.is_set else 'clear'}"
    if isinstance(attribute, Meter):
        return f"meter     {attribute.name}: {attribute.value} of {attribute.most}"
    if isinstance(attribute, Label):
        return f"label     {attribute.name}: {attribute.text}"
    if isinstance(attribute, Limit):
        by = f", by {', '.join(attribute.holders)}" if attribute.holders else ""
        return f"limit     {attribute.name}: {attribute.value} of {attribute.most} taken{by}"
    if isinstance(attribute, Repeat):
        return f"repeat    {attribute.name or attribute.kind}: {repeat_text(attribute)}"
    if isinstance(attribute, Queue):
        return f"queue     {attribute.name}: item {attribute.position} of {len(attribute.items)}"
    return ""
