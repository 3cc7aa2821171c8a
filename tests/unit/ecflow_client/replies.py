"""Replies as ecflow_server writes them, made by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

FIRST = 0x80000000  # the bit of an identifier's first use

STATISTICS = """Server statistics
   Version                    Ecflow version(5.9.2) boost(1.74.0)
   Status                     RUNNING
   Host                       node1
   Port                       3141
   Up since                   2026-Nov-24 00:12:57
   Number of Suites           2
   stats cmd                  7
   group                      9
"""


def definition(*lines: str, head: str = "defs_state NET state>:queued state_change:5 modify_change:3") -> str:
    """Return a definition's text, in which every line stands alone."""
    return "\n".join(("#5.9.2", head, *lines, "# enddef", ""))


def member(name: str, **data: Any) -> dict[str, Any]:
    """Return one command's answer, but for its number."""
    return {"polymorphic_name": name, "ptr_wrapper": {"id": FIRST | 1, "data": data}}


def reply(*members: dict[str, Any]) -> bytearray:
    """Return a reply of several answers, laid out as cereal does."""
    numbered = [{"polymorphic_id": FIRST | number, **each} for number, each in enumerate(members, start=2)]
    group = member("GroupSTCCmd", cmdVec_=numbered) | {"polymorphic_id": FIRST | 1}
    document = {"22ServerToClientResponse": {"stc_cmd_": group}}
    return bytearray(json.dumps(document, indent=0, ensure_ascii=False).encode())


def full(text: str, key: str = "value1") -> dict[str, Any]:
    """Return the answer to a sync that brings a whole definition."""
    return member("SSyncCmd", full_defs_=True, **{key: text})


def memento(name: str, **fields: Any) -> tuple[str, dict[str, Any]]:
    return name, fields


def delta(*nodes: tuple[str, Sequence[tuple[str, dict[str, Any]]]], clear: bool = False) -> dict[str, Any]:
    """Return `incremental_changes_` with these mementos of these nodes."""
    numbers: dict[str, int] = {}
    free: Iterator[int] = count(10)
    compounds = []
    for path, mementos in nodes:
        written = []
        for name, fields in mementos:
            identifier: dict[str, Any] = {"polymorphic_id": numbers[name]} if name in numbers else {}
            if not identifier:
                numbers[name] = next(free)
                identifier = {"polymorphic_id": FIRST | numbers[name], "polymorphic_name": name}
            written.append({**identifier, "ptr_wrapper": {"id": 1, "data": fields}})
        data = {"absNodePath_": path, "vec_": written, **({"clear_attributes_": True} if clear else {})}
        compounds.append({"ptr_wrapper": {"id": 1, "data": data}})
    return {
        "server_state_change_no_": 8,
        "server_modify_change_no_": 3,
        "compound_mementos_": compounds,
    }
