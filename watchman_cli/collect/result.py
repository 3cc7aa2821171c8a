"""The values of a run for one server: those that are stored before, a commit, the attempts, the result."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

from watchman_cli.config import Server
from watchman_cli.ecflow_client import (
    CertificateMissing,
    CertificateUntrusted,
    EcflowError,
    HttpRefused,
    OtherName,
    Redirected,
    ReplyTooLarge,
    TokenWithheld,
    WrongProtocol,
)
from watchman_cli.errors import ServerError, WatchmanError
from watchman_cli.health import Disabled, Health
from watchman_cli.snapshot import Head
from watchman_cli.store import Update
from watchman_cli.sync.reading import Reading

if TYPE_CHECKING:  # imported only if they are used: each takes milliseconds
    from watchman_cli.causes.model import Rules
    from watchman_cli.details import KeptDetails
    from watchman_cli.details.stored import StoredDetails

# written; skipped: another run is reading the server; failed: the server was not read; lost: the store did
# not take the snapshot, or was unreachable before; interrupted: a signal ended the run.
Result = Literal["written", "skipped", "failed", "lost", "interrupted"]
Phase = Literal["lease", "read", "write"]
# untold: the error was not reported; now: this run has reported it; withheld: earlier runs have, another run
# will, or a later one, after `report_after` runs.
Told = Literal["untold", "now", "withheld"]
LATE = 2.0  # seconds beyond a deadline that only a process which stood still can be


class Outcome(NamedTuple):
    """The result for one server after `seconds`; `phases` has the seconds of each phase.

    `health` is the record that was written, or that is stored if it is why the server was skipped. `told`
    says whether the error was reported.
    """

    server: Server
    result: Result
    seconds: float = 0.0
    attempts: int = 0
    error: WatchmanError | None = None
    # The time of the snapshot that stays in the store, ISO 8601: empty without one, None if unknown.
    kept: str | None = None
    reading: Reading | None = None
    requests: int = 0
    received: int = 0  # bytes
    verification: str | None = None
    snapshot: bytes | None = None  # in a dry run
    warnings: tuple[str, ...] = ()
    phases: Mapping[Phase, float] = MappingProxyType({})
    health: Health | None = None
    skipped: str = "another run is reading it"  # how this run knew of the other run
    told: Told = "untold"


class Attempts(NamedTuple):
    """The facts about a run's attempts at a server, which began at `began`, at `time`, after `seconds`.

    `connected` says whether the server answered one of them. `disabled` is kept in the health record. `share`
    is a random number from 0 to 1, which says when in its interval a server is verified first.
    """

    time: datetime
    seconds: float
    number: int
    requests: int
    connected: bool
    disabled: Disabled | None
    share: float
    began: datetime | None = None


class Stored(NamedTuple):
    """A server's stored values: the last health record, the snapshot's head, and its bytes.

    `snapshot` returns no bytes if there is no snapshot, and raises StoreError. `kept_details` says which
    details are in the store, and `changed_details` returns those of some nodes that changed.
    `may_have_details` says whether it may have any; both raise StoreError. `rules` say how causes are told,
    if they are.
    """

    health: Health
    head: Head | None
    snapshot: Callable[[], bytes]
    kept_details: "KeptDetails | None" = None
    changed_details: "Callable[[Sequence[str]], StoredDetails] | None" = None
    may_have_details: Callable[[], bool] = lambda: False
    rules: "Rules | None" = None

    @property
    def is_counted(self) -> bool:
        """Whether the health record's numbers were counted from this snapshot.

        A directory's files are replaced one by one: a run may have ended between snapshot and record.
        """
        return self.head is not None and self.health.counted_revision == self.head.revision

    @property
    def changes_kept(self) -> bool:
        """Whether the stream of changes leads to the snapshot, by the health record written with it."""
        known = self.head is not None and self.health.collected_time == self.head.collected_time
        return known and self.health.changes_kept


class Commit(NamedTuple):
    """An update, its health record, the lines to report, and whether to verify the reading.

    The lines are the end of a failure, and each deadline's miss.
    """

    update: Update
    health: Health
    lines: tuple[str, ...]
    verify: bool = False


class Phases:
    """The clock of a server's phases, which begin at `started`, a time.monotonic()."""

    def __init__(self, started: float) -> None:
        self.seconds: dict[Phase, float] = {}
        self._began = started

    def end(self, phase: Phase) -> None:
        """Count the time since the last phase ended to this one."""
        now = time.monotonic()
        self.seconds[phase] = self.seconds.get(phase, 0.0) + now - self._began
        self._began = now


def server_error(error: EcflowError) -> ServerError:
    """Return the failure of a server for an error of its client."""
    return ServerError(error.kind, describe(error), transient=error.transient)


def describe(error: EcflowError) -> str:
    """Return an error's message and, if the configuration can resolve it, how."""
    advice = _advice(error)
    return f"{error}: {advice}" if advice else str(error)


def _advice(error: EcflowError) -> str:
    """Return the settings to change, or an empty string."""
    if isinstance(error, WrongProtocol):
        return f"set `protocol: {error.spoken}`"
    if isinstance(error, Redirected):
        return "set " + ", ".join(f"`{name}: {value}`" for name, value in error.differences.items())
    if isinstance(error, OtherName):
        return "set `host` to a name that it has, or name the server's own certificate as `certificate`"
    if isinstance(error, CertificateUntrusted):
        return "name it, or its authority's, as `certificate`"
    if isinstance(error, CertificateMissing) and error.path is None:
        return "copy the server's server.crt there, or name it as `certificate`"
    if isinstance(error, ReplyTooLarge):
        return "raise `max_reply` if that is right"
    if isinstance(error, TokenWithheld):
        return "set `protocol: https`, or let the entry's `server` begin with http://"
    return _advice_if_refused(error) if isinstance(error, HttpRefused) else ""


def _advice_if_refused(error: HttpRefused) -> str:
    if error.sent == "token":
        return f"check the token that {error.tokens} has for {error.url}"
    if error.sent == "password":
        return "check `user` and the password, which was sent as basic authentication"
    if error.tokens:
        return f"no token of {error.tokens} is for {error.url}: the entry's `server` must match all of that"
    if error.withheld:
        return "the password is sent as basic authentication over https only: set `protocol: https`"
    return "no token or password was sent: set `tokens`, or `user` and `password`"


def unexpected(error: Exception) -> ServerError:
    """Return the failure of a server for an exception that nothing else handles."""
    if isinstance(error, MemoryError):
        return ServerError("resources", "this process has no memory for it")
    failure = ServerError("server", f"unexpected {type(error).__name__}: a bug in watchman, please report it")
    failure.__cause__ = error
    return failure


def explain_timeout(error: ServerError, server: Server, seconds: float) -> ServerError:
    """Return a failure that names the deadline, if it passed; the run has taken `seconds` for the server."""
    if error.kind not in ("no answer", "too slow"):
        return error
    message = str(error)
    if error.kind == "no answer":
        message = f"no answer from {server.address} within {server.deadline:g} s"
    late = seconds - server.deadline
    if late > LATE:
        message = f"this run was stopped, or had no processor, until {late:.0f} s after its deadline"
    return ServerError(error.kind, message)
