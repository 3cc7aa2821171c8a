"""Replies: the JSON that cereal wrote, into what each command of the request was answered.

A definition's text may have many megabytes, in any encoding. It is cut out of the JSON, and gets one
character for each byte: one character outside Latin-1 would quadruple it. The rest is small.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from .changes import Changes, parse_changes
from .errors import (
    AccessRefused,
    EcflowError,
    FullReadingRequired,
    HandleGone,
    NotEcflow,
    NotUnderstood,
    RequestRefused,
)
from .numbers import natural
from .statistics import Statistics, parse_statistics
from .work import UNBOUNDED, Work

if TYPE_CHECKING:
    from .definition import Definition
    from .handles import Handle

# Where cereal writes a definition: of a client handle's suites, and of the whole server (SSyncCmd.hpp).
_TEXTS = (b'\n"server_defs_": "', b'\n"value1": "')
DECODED_TOGETHER = 1 << 18  # bytes of a definition that are decoded at once
_SENT_EVERYTHING = b'\n"full_defs_": true'
# Nothing interrupts a JSON parser, and it holds the interpreter lock. So it gets only what it can parse in
# a part of the time that is left: other servers need theirs.
PART_OF_TIME = 1 / 4
_CONTAINER_COST, _ITEM_COST, _BYTE_COST = 5e-7, 1e-7, 1e-9  # seconds for each object or list, comma and byte
_NOT_UNDERSTOOD = "the server's reply cannot be understood"
# What the server says, in small letters, and what it means (ClientSuiteMgr.cpp, ClientToServerRequest.cpp).
_HANDLE_GONE = "handle dropped"
_REFUSALS = ("authentication failed", "not accepted, due to", "not authorised", "unauthorised")
# Since ecFlow 5.16, of a user who is known (AuthorisationDetails.hpp)
_NOT_PERMITTED = "insufficient permissions"
NOT_PERMITTED = "its PERMISSIONS or its white list do not let this user read all of it"


class Answer(NamedTuple):
    """The answer to a request, by kind; None for a part that was not requested.

    `required` says why a full reading is necessary if the changes are not enough. `error` is the failure of
    a command of the request.
    """

    statistics: Statistics | None = None
    definition: "Definition | None" = None
    changes: Changes | None = None
    required: FullReadingRequired | None = None
    handles: "tuple[Handle, ...] | None" = None
    registered: int | None = None
    error: EcflowError | None = None


def decode_reply(body: bytearray, user: str, work: Work = UNBOUNDED, *, with_lines: bool = False) -> Answer:
    """Return the answer in a reply's body; the body is emptied, so that it is not in memory twice.

    `with_lines`, a definition has its lines, and changes have their mementos. `user` is named if the server
    refused the user. Raises NotEcflow if the reply is not ecFlow's, NotUnderstood if it cannot be
    understood, TooSlow if that takes too long.
    """
    text, rest = _cut_definition(body, work)
    work.require(_seconds_to_load(rest) / PART_OF_TIME)
    try:
        document = _loads(rest)["22ServerToClientResponse"]["stc_cmd_"]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise NotEcflow from error
    try:
        members = [document]
        if document["polymorphic_name"] == "GroupSTCCmd":
            members = document["ptr_wrapper"]["data"]["cmdVec_"]
        found: dict[str, Any] = {}
        names: dict[int, str] = {}
        for member in members:
            identifier = member["polymorphic_id"] & 0x7FFFFFFF
            name = names.setdefault(identifier, member.get("polymorphic_name", ""))
            work.check()
            found |= _field(name, member["ptr_wrapper"].get("data", {}), text, user, work, with_lines)
        return Answer(**found)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise NotUnderstood(_NOT_UNDERSTOOD) from error


def _cut_definition(body: bytearray, work: Work) -> tuple[str, bytes]:
    """Return a definition's text, one character for each byte, and the JSON with nothing in its place.

    A new line cannot stand in a JSON string, so the next one shows where the string ended. The second key is
    looked for only if the server says that it sent everything: in the memento of an aviso or a mirror the
    same key has anybody's text. Raises NotEcflow or TooSlow.
    """
    for key in _TEXTS if body.find(_SENT_EVERYTHING) >= 0 else _TEXTS[:1]:
        start = body.find(key)
        end = body.find(b"\n", start + len(key)) if start >= 0 else -1
        if end < 0:
            continue
        start += len(key)
        end -= 2 if body[end - 1] == ord(",") else 1
        if end <= start or body[end] != ord('"'):
            continue
        with memoryview(body) as view:
            rest = b"".join((view[:start], view[end:]))
        text = _decode(body, start, end, work)
        body.clear()
        return text, rest
    rest = bytes(body)
    body.clear()
    return "", rest


def _decode(body: bytearray, start: int, end: int, work: Work) -> str:
    """Return the text of the JSON string between two offsets, one character for each byte.

    Its quotes stand right before and behind them.

    A large one is decoded a few lines at a time, and its text replaces the string in the body: it is never
    longer. Raises NotEcflow or TooSlow.
    """
    if end - start <= DECODED_TOGETHER:
        work.check()
        with memoryview(body) as view:
            return _decode_string(view[start - 1 : end + 1])
    first = done = start
    while start < end:
        work.check()
        stop = end
        if start + DECODED_TOGETHER < end:
            line_end = body.find(b"\\n", start + DECODED_TOGETHER, end)
            while line_end > 0 and body[line_end - 1] == ord("\\"):  # it may be a pair, and an n
                line_end = body.find(b"\\n", line_end + 1, end)
            stop = line_end if line_end > 0 else end
        piece = _decode_string(b"".join((b'"', body[start:stop], b'"'))).encode("latin-1")
        body[done : done + len(piece)] = piece
        done += len(piece)
        start = stop
    with memoryview(body) as view:
        return str(view[first:done], "latin-1")


def _decode_string(string: bytes | memoryview) -> str:
    """Return the text of a JSON string in any encoding, one character for each byte. Raises NotEcflow."""
    try:
        try:
            text, encoding = orjson.loads(string), "utf-8"
        except orjson.JSONDecodeError:
            text, encoding = orjson.loads(str(string, "latin-1").encode()), "latin-1"
    except orjson.JSONDecodeError as error:
        raise NotEcflow from error
    if not isinstance(text, str):
        raise NotEcflow
    return text if text.isascii() else text.encode(encoding, "replace").decode("latin-1")


def _seconds_to_load(rest: bytes) -> float:
    """Return how long JSON takes to parse at most."""
    containers = rest.count(b"{") + rest.count(b"[")
    return containers * _CONTAINER_COST + rest.count(b",") * _ITEM_COST + len(rest) * _BYTE_COST


def _loads(rest: bytes) -> Any:
    try:
        return orjson.loads(rest)
    except orjson.JSONDecodeError:
        from .lines import decode

        return orjson.loads(decode(rest))


def _field(
    name: str, data: Mapping[str, Any], text: str, user: str, work: Work, with_lines: bool
) -> dict[str, Any]:
    """Return one member of a reply, as fields of an Answer."""
    if name == "SStringCmd":
        return {"statistics": parse_statistics(data["str_"])}
    if name == "SSyncCmd":
        return _sync(data, text, work, with_lines)
    if name == "SClientHandleCmd":
        return {"registered": natural(data.get("handle_", 0))}
    if name == "SClientHandleSuitesCmd":
        from .handles import read_handles

        return {"handles": read_handles(data)}
    if name == "ErrorCmd":
        said = str(data.get("error_msg_", "")).lower()
        if _HANDLE_GONE in said:
            return {"error": HandleGone()}
        if _NOT_PERMITTED in said:
            return {"error": AccessRefused(user, NOT_PERMITTED)}
        return {"error": AccessRefused(user) if any(w in said for w in _REFUSALS) else RequestRefused()}
    if name == "StcCmd":  # OK: a command that has nothing to answer
        return {}
    raise NotUnderstood(_NOT_UNDERSTOOD)


def _sync(data: Mapping[str, Any], text: str, work: Work, with_lines: bool) -> dict[str, Any]:
    """Return a sync's answer: a whole definition, or changes."""
    if not text and (inline := data.get("value1") or data.get("server_defs_")):
        # JSON that a proxy laid out again on its way
        text = inline.encode().decode("latin-1")
        del inline
        work.check()
    if text:
        if "value1" not in data and "server_defs_" not in data:
            raise NotUnderstood(_NOT_UNDERSTOOD)  # it is another one's
        from .definition import parse_definition  # takes milliseconds, and changes do not need it

        return {"definition": parse_definition(text, work, with_lines=with_lines)}
    if data.get("full_defs_"):
        raise NotUnderstood("the server sent no definition")
    try:
        return {"changes": parse_changes(data["incremental_changes_"], work, with_mementos=with_lines)}
    except FullReadingRequired as error:
        return {"required": error}
    except NotUnderstood as error:  # a full reading needs none of it
        return {"required": FullReadingRequired(str(error))}
