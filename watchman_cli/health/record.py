"""The health record: the result of the last attempts at one server."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import orjson

from watchman_cli import schema
from watchman_cli.errors import ErrorKind
from watchman_cli.health.plain import is_plain
from watchman_cli.snapshot import MAX_SKEW, parse_time

if TYPE_CHECKING:
    from watchman_cli.causes.model import Notices
    from watchman_cli.deadlines import DeadlineState

Mode = Literal["unchanged", "incremental", "full"]  # how a run read a server


class Failure(NamedTuple):
    """The failure of the last run: its kind for programs, and the message that was printed."""

    kind: ErrorKind
    message: str


class ReportedFailure(NamedTuple):
    """A failure that was reported: its kinds, the time of its first run, its runs, and the last message.

    Its end was not reported yet.
    """

    kinds: tuple[ErrorKind, ...]
    since: str
    failures: int
    message: str


class Disabled(NamedTuple):
    """Incremental syncs are off since a time, ISO 8601, for a reason in words."""

    since: str
    reason: str


class Health(NamedTuple):
    """One server's health, as schemas/health.schema.json describes it; times are ISO 8601."""

    checked_time: str = ""
    ok: bool = False
    failures: int = 0
    failing_since: str | None = None
    address: str | None = None
    attempts: int = 0
    seconds: float = 0.0
    collected_time: str | None = None
    nodes: int | None = None
    counts: Mapping[str, int] | None = None
    counted_revision: str | None = None
    requests: int | None = None
    server_version: str | None = None
    bindings_version: str | None = None
    error: Failure | None = None
    mode: Mode | None = None
    reason: str | None = None
    verification: str | None = None
    next_verification: str | None = None
    disabled: Disabled | None = None
    stale_handle: bool = False
    deadlines: "tuple[DeadlineState, ...]" = ()
    changes_kept: bool = False
    reported_failure: ReportedFailure | None = None
    notices: "Notices | None" = None
    began_time: str | None = None

    @property
    def summary(self) -> str:
        """The record in a few words: `ok`, or the number of failed runs and the last one's message."""
        if self.ok:
            return "ok"
        if not self.failures:
            return "its first reading has begun, and has not ended"
        runs = "run" if self.failures == 1 else "runs"
        return f"{self.failures} {runs} failed: {self.error.message if self.error else ''}"


_OF_SYNC = ("mode", "reason", "verification", "next_verification", "disabled", "stale_handle")
_EPOCH = "1970-01-01T00:00:00+00:00"
_TIMES = ("checked_time", "began_time", "failing_since", "collected_time", "next_verification")


def encode(health: Health) -> bytes:
    """Return the record as it is stored."""
    return orjson.dumps(_document(health))


def encode_repaired(health: Health) -> bytes:
    """Return the record as it is stored, without its invalid parts."""
    document = _document(health)
    return orjson.dumps(document) if _fits_schema(document) else encode(_salvaged(document))


def decode(value: bytes | None) -> Health:
    """Return the record in a store's value, or an empty record if it is missing or invalid."""
    document = _parse(value)
    if not _fits_schema(document) or not all(map(_is_time, _times(document))):
        return Health()
    return _from_fields({**document, **document["sync"]})


def salvage(value: bytes) -> Health:
    """Return the valid parts of the record in a store's value, for the run that replaces it."""
    health = decode(value)
    return health if health.checked_time else _salvaged(_parse(value))


def warn_of_another(previous: Health, kept: str | None, address: str, now: datetime) -> Iterator[str]:
    """Yield a warning for each sign that another configuration or clock wrote the stored values.

    `previous` is the stored record, `kept` the stored snapshot's time, ISO 8601, or empty, and `address` the
    configured `host:port`.
    """
    if previous.address not in (None, address):
        yield (
            f"the last run under this name read {previous.address}, this one {address}: "
            "if nothing was reconfigured, two configurations use the name"
        )
    latest = now
    for time in (kept, previous.checked_time):
        with suppress(ValueError, TypeError):  # another program's snapshot may have an invalid time
            latest = max(latest, parse_time(time) if time else now)
    if latest - now > MAX_SKEW:
        yield (
            f"the last run's time is {latest:%Y-%m-%d %H:%M:%S} UTC, in the future: "
            "the clock of its host was ahead, or this host's clock is behind; compare both"
        )


def _document(health: Health) -> dict[str, Any]:
    flat = health._asdict()
    flat["error"] = health.error and health.error._asdict()
    if health.began_time is None:
        del flat["began_time"]
    reported = flat.pop("reported_failure")
    if reported:
        flat["reported_failure"] = {**reported._asdict(), "kinds": list(reported.kinds)}
    flat["disabled"] = health.disabled and health.disabled._asdict()
    flat["deadlines"] = [state.as_json() for state in health.deadlines] or None
    notices = flat.pop("notices")
    if notices is not None:
        flat["notices"] = notices.as_json()
    sync = {name: flat.pop(name) for name in _OF_SYNC}
    return {**flat, "sync": sync}


def _fits_schema(document: Any) -> bool:
    return isinstance(document, dict) and (is_plain(document) or schema.is_valid("health", document))


def _parse(value: bytes | None) -> Any:
    try:
        return orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return None


def _from_fields(flat: Mapping[str, Any]) -> Health:
    """Return the record with the valid fields of a document; others are ignored."""
    fields = {name: flat[name] for name in Health._fields if name in flat}
    if error := fields.get("error"):
        fields["error"] = Failure(error["kind"], error["message"])
    if reported := fields.get("reported_failure"):
        kinds, since = tuple(reported["kinds"]), reported["since"]
        fields["reported_failure"] = ReportedFailure(kinds, since, reported["failures"], reported["message"])
    if disabled := fields.get("disabled"):
        fields["disabled"] = Disabled(disabled["since"], disabled["reason"])
    if "deadlines" in fields:
        fields["deadlines"] = _states(fields["deadlines"] or ())
    if notices := fields.get("notices"):
        from watchman_cli.causes.model import read_notices

        fields["notices"] = read_notices(notices)
    return Health(**fields)


def _states(values: Sequence[Any]) -> "tuple[DeadlineState, ...]":
    """Return the states of the deadlines in a document, without those whose times are invalid."""
    if not values:
        return ()
    from watchman_cli.deadlines import states_of

    return tuple(states_of(values))


def _salvaged(document: Any) -> Health:
    """Return the valid parts of a document: each of its fields, and of the deadlines, is checked alone."""
    if not isinstance(document, dict):
        return Health()
    sync = document.get("sync")
    flat = {**document, **(sync if isinstance(sync, dict) else {})}
    if isinstance(flat.get("deadlines"), list):
        flat["deadlines"] = [each for each in flat["deadlines"] if _is_valid("deadlines", [each])]
    return _from_fields({name: value for name, value in flat.items() if _is_valid(name, value)})


def _is_valid(name: str, value: Any) -> bool:
    """Return whether a field of a document may have this value."""
    document = _document(Health(checked_time=_EPOCH))
    part = document["sync"] if name in _OF_SYNC else document
    part[name] = value
    return schema.is_valid("health", document) and (name not in _TIMES or _is_time(value))


def _times(document: dict[str, Any]) -> Iterator[Any]:
    flat = {**document, **document["sync"]}
    yield from (flat.get(name) for name in _TIMES)
    reported = flat.get("reported_failure")
    yield reported["since"] if reported else None


def _is_time(value: Any) -> bool:
    """Return whether a time that fits the schema, or None, is a valid date and time."""
    try:
        parse_time(value or _EPOCH)
    except ValueError:
        return False
    return True
