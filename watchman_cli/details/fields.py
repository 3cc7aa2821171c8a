"""From a definition to what is stored of its details: a field a family, and one of the server.

The field `/s/f/` has the lines of the nodes right below `/s/f`, each node's own line before those of its
attributes, and `/` has those of the suites. If there are only tasks below a family, its lines are in the
field of the family above: a field of some thousand bytes takes less time and memory than ten small ones. A
value is an object of JSON, the lines as a string by the name of the family, compressed.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import orjson

from watchman_cli.details import KeptDetails
from watchman_cli.details.policy import HIDDEN, Policy
from watchman_cli.details.stored import DetailsUpdate
from watchman_cli.ecflow_client import Definition, Work
from watchman_cli.ecflow_client.lines import readable, without_passwords
from watchman_cli.ecflow_client.raw_texts import NEW_LINE
from watchman_cli.ecflow_client.work import UNBOUNDED

if TYPE_CHECKING:
    from watchman_cli.details.stored import Kept

SERVER = "server"  # the server's field, which is not a path
KINDS_KEPT = "kinds"  # in it: the kinds that are kept, with spaces between them; or EVERY_KIND
EVERY_KIND = "*"
LEVEL = 1  # of zlib
FIELD_SIZE = 32 << 10  # characters of small families that are put into one field
LIMIT = 256 << 20  # bytes of lines that are read of one field
_TOGETHER = 1 << 10  # fields between two looks at the clock
_HIDDEN_REPEAT = f'"{HIDDEN}"'
_INCREMENTED = " # incremented:1"
# Whether a node has taken its tokens of a limit: the server does not send a change of that (InLimit.hpp,
# set_incremented), but it does send the limit's holders.
_TAKEN = re.compile(rf"(?m)^( *inlimit .*){_INCREMENTED}$")
_NODE = re.compile(r" *(?:suite|family|task|alias) (\S+)")


class Base(NamedTuple):
    """The fields of a definition, and the paths of the nodes whose repeat is a secret."""

    fields: dict[str, bytes]
    hidden_repeats: list[str]


def make_base(definition: Definition, policy: Policy, work: Work = UNBOUNDED) -> Base:
    """Return the details to store of a definition that was read with its lines. Raises TooSlow."""
    assert definition.lines
    work.check()
    families = definition.lines.families
    _, _, server = definition.lines.server.partition(NEW_LINE)  # the first one is the version
    kinds = " ".join(sorted(policy.kinds)) or EVERY_KIND
    fields = {SERVER: compress({SERVER: policy.kept(readable(server)), KINDS_KEPT: kinds})}
    hidden: list[str] = []
    may_change = policy.may_change(definition.lines.text, len(definition.lines.server))
    any_taken = _INCREMENTED in definition.lines.text
    for number, (field, members) in enumerate(_packed(families).items()):
        if not number % _TOGETHER:
            work.check()
        found: dict[str, str] = {}
        for family in members:
            lines = readable(NEW_LINE.join(families[family]))
            if any_taken:
                lines = _TAKEN.sub(r"\1", lines)
            if definition.has_passwords:
                lines = without_passwords(lines)
            if may_change(lines):
                lines = policy.kept(lines)
                if _HIDDEN_REPEAT in lines:
                    hidden += _hidden_repeats(family, lines)
            found[family] = lines
        fields[field] = compress(found)
    return Base(fields, hidden)


def replace_details(signature: Sequence[str], expire: int | None, stamp: str, base: Base) -> Kept:
    """Return the update after a full reading. `signature` is the configuration's, `expire` is in seconds."""
    after = KeptDetails(list(signature), stamp, expire, sorted(base.hidden_repeats))
    return DetailsUpdate(stamp, base.fields, {}), "set" if expire else "keep", after


def _packed(families: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return which families are in each field."""
    above = {family: family[: family.rfind("/", 0, -1) + 1] for family in families}
    with_families = set(above.values())
    packed: dict[str, list[str]] = {}
    sizes: dict[str, int] = {}
    for family, lines in families.items():
        if not lines:
            continue
        field = family
        if family not in with_families:
            size = sum(map(len, lines))
            total = sizes.get(above[family], 0) + size
            if total < FIELD_SIZE:
                field = above[family]
                sizes[field] = total
        packed.setdefault(field, []).append(family)
    return packed


def fields_of(family: str) -> list[str]:
    """Return the fields in which the lines of a family may be."""
    return [family] if family == "/" else [family, family[: family.rfind("/", 0, -1) + 1]]


def compress(families: Mapping[str, str]) -> bytes:
    """Return the value of a field with the lines of these families."""
    return zlib.compress(orjson.dumps(families), LEVEL)


def decompress(value: bytes) -> dict[str, str]:
    """Return the lines of each family in the value of a field. Raises ValueError if it is damaged."""
    try:
        decoder = zlib.decompressobj()
        data = decoder.decompress(value, LIMIT)
        if decoder.eof:
            found = orjson.loads(data)
            if isinstance(found, dict) and all(isinstance(lines, str) for lines in found.values()):
                return found
    except (zlib.error, orjson.JSONDecodeError) as error:
        raise ValueError("it is damaged") from error
    raise ValueError("it is damaged, or too large")


def _hidden_repeats(parent: str, lines: str) -> list[str]:
    found, name = [], ""
    for line in lines.split("\n"):
        node = _NODE.match(line)
        if node:
            name = node[1]
        elif line.lstrip().startswith("repeat ") and line.endswith(_HIDDEN_REPEAT):
            found.append(parent + name)
    return found
