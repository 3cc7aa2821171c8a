"""Replies: the JSON that cereal wrote, into what each command of the request was answered.

A definition's text may be of many megabytes, in any encoding, and is cut out of the JSON as bytes: one
character outside Latin-1 would quadruple it once decoded. What is left is small, and parsed as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from watchman_cli.ecflow_client.changes import Changes, parse_changes
from watchman_cli.ecflow_client.definition import Definition, parse_definition
from watchman_cli.ecflow_client.errors import (
    AccessRefused,
    EcflowError,
    FullReadingRequired,
    HandleGone,
    NotEcflow,
    NotUnderstood,
    RequestRefused,
)
from watchman_cli.ecflow_client.numbers import natural
from watchman_cli.ecflow_client.statistics import Statistics, parse_statistics
from watchman_cli.ecflow_client.work import UNBOUNDED, Work

# Where cereal writes a definition: of a client handle's suites, and of the whole server (SSyncCmd.hpp).
_TEXTS = (b'\n"server_defs_": "', b'\n"value1": "')
CHECKED_TOGETHER = 1 << 18  # bytes of a definition that are checked at once
_CONTROL = re.compile(r"[\x01-\x1f]")
_OTHER_ESCAPES = re.compile(r"\\(?:[/bfrt]|u[0-9a-fA-F]{4})")
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


class Handle(NamedTuple):
    """A client handle on a server: its number, its user, and the suites that it is for."""

    number: int
    user: str
    suites: tuple[str, ...]


class Answer(NamedTuple):
    """What a request was answered, by kind; None where the request did not ask for it.

    `required` says why a full reading is necessary, where the changes are not enough. `error` is what a
    command of the request failed with.
    """

    statistics: Statistics | None = None
    definition: Definition | None = None
    changes: Changes | None = None
    required: FullReadingRequired | None = None
    handles: tuple[Handle, ...] | None = None
    registered: int | None = None
    error: EcflowError | None = None


def decode_reply(body: bytearray, user: str, work: Work = UNBOUNDED) -> Answer:
    """Return what a reply's body says; the body is emptied, so that it is not in memory twice.

    `user` is named where the server refused the user. Raises NotEcflow where the reply is not ecFlow's,
    NotUnderstood where it cannot be understood, TooSlow if that takes too long.
    """
    text, rest = _cut_definition(body)
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
            found |= _field(name, member["ptr_wrapper"].get("data", {}), text, user, work)
        return Answer(**found)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise NotUnderstood(_NOT_UNDERSTOOD) from error


def _cut_definition(body: bytearray) -> tuple[str, bytes]:
    """Return a definition's text as it stands in the JSON, and the JSON with nothing in its place.

    A new line cannot stand in a JSON string, so the next one shows where the string ended. In the text,
    each pair of backslashes, which stands for one, is replaced: no other escape ends in a backslash. The
    second key is looked for only where the server says that it sent everything: in the memento of an aviso
    or a mirror the same key has anybody's text.
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
        rest = bytes(body[:start]) + bytes(body[end:])
        is_ascii = body.isascii()
        if is_ascii and not _is_ascii_string(body, start, end):
            raise NotEcflow
        with memoryview(body) as view:
            text = str(view[start:end], "latin-1")
        body.clear()
        text = text.replace("\\\\", "\0") if "\\\\" in text else text
        if not (is_ascii or _is_string(text)):
            raise NotEcflow
        return text, rest
    rest = bytes(body)
    body.clear()
    return "", rest


def _seconds_to_load(rest: bytes) -> float:
    """Return how long JSON takes to parse at most."""
    containers = rest.count(b"{") + rest.count(b"[")
    return containers * _CONTAINER_COST + rest.count(b",") * _ITEM_COST + len(rest) * _BYTE_COST


def _is_ascii_string(body: bytearray, start: int, end: int) -> bool:
    """Return whether a part of a body of ASCII is the inside of a JSON string; a few lines at a time."""
    while start < end:
        stop = end
        if start + CHECKED_TOGETHER < end:
            found = body.find(b"\\n", start + CHECKED_TOGETHER, end)
            while found > 0 and body[found - 1] == ord("\\"):  # it may be a pair, and an n
                found = body.find(b"\\n", found + 1, end)
            stop = found if found > 0 else end
        try:
            orjson.loads(b'"%s"' % body[start:stop])
        except orjson.JSONDecodeError:
            return False
        start = stop
    return True


def _is_string(text: str) -> bool:
    """Return whether a text, without pairs of backslashes, can stand in a JSON string.

    It is cut out of the JSON, and may have any encoding, which a JSON reader refuses.
    """
    quotes, escapes = text.count('\\"'), text.count("\\")
    if text.count('"') != quotes or _CONTROL.search(text):
        return False
    escapes -= quotes + text.count("\\n")
    return not escapes or len(_OTHER_ESCAPES.findall(text)) == escapes


def _loads(rest: bytes) -> Any:
    try:
        return orjson.loads(rest)
    except orjson.JSONDecodeError:
        # ecFlow takes any bytes in a label or a variable, and sends them back as they are.
        return orjson.loads(rest.decode("latin-1").encode())


def _field(name: str, data: Mapping[str, Any], text: str, user: str, work: Work) -> dict[str, Any]:
    """Return what one member of a reply says, as fields of an Answer."""
    if name == "SStringCmd":
        return {"statistics": parse_statistics(data["str_"])}
    if name == "SSyncCmd":
        return _sync(data, text, work)
    if name == "SClientHandleCmd":
        return {"registered": natural(data.get("handle_", 0))}
    if name == "SClientHandleSuitesCmd":
        users = {int(handle): str(of["first"]) for of in data["users_"] for handle in of["second"]}
        listed = ((int(each["first"]), each["second"]) for each in data["client_handles_"])
        return {
            "handles": tuple(Handle(n, users.get(n, ""), tuple(map(str, suites))) for n, suites in listed)
        }
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


def _sync(data: Mapping[str, Any], text: str, work: Work) -> dict[str, Any]:
    """Return a sync's answer: a whole definition, or changes."""
    if not text and (inline := data.get("value1") or data.get("server_defs_")):
        # JSON that a proxy laid out again on its way
        written = orjson.dumps(inline)[1:-1]
        work.check()
        text = written.decode("latin-1")
        del written, inline
        work.check()
        text = text.replace("\\\\", "\0")
    if text:
        return {"definition": parse_definition(text, work)}
    if data.get("full_defs_"):
        raise NotUnderstood("the server sent no definition")
    try:
        return {"changes": parse_changes(data["incremental_changes_"], work)}
    except FullReadingRequired as error:
        return {"required": error}
    except NotUnderstood as error:  # a full reading needs none of it
        return {"required": FullReadingRequired(str(error))}
