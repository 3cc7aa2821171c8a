"""When the bindings read a server too, and how the two readings compare."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from watchman_cli import snapshot
from watchman_cli.config import Server
from watchman_cli.health import Health
from watchman_cli.snapshot import HEAD_SIZE, MAX_SKEW, StatusRecord, parse_head, parse_time
from watchman_cli.sync.reading import Reading

if TYPE_CHECKING:
    from watchman_cli.bindings import BindingsReading
    from watchman_cli.details.policy import Policy
    from watchman_cli.details.stored import StoredDetails
    from watchman_cli.ecflow_client import Work

SEVERAL_LINES = "a job's id, a trigger or a complete has several lines, which the bindings do not read"
MOVED = "nodes were added, removed or moved meanwhile"


class Verification(NamedTuple):
    """The result of a comparison in words; `difference` is the first difference, or None.

    `is_equal` says that the readings were compared, and are equal.
    """

    summary: str
    difference: str | None = None
    is_equal: bool = False


def compare(
    ours: Sequence[StatusRecord],
    theirs: Sequence[StatusRecord],
    changed: Collection[str],
    cut: Collection[str] = (),
) -> Verification:
    """Compare two readings node by node, except the nodes that changed between them.

    `cut` has the paths of the nodes whose text the bindings did not read to its end.
    """
    from watchman_cli.bindings.referee import VERIFIED

    if cut and [mine.path for mine in ours] != [other.path for other in theirs]:
        return Verification(f"not verified: {SEVERAL_LINES}")
    known = {detail.name for detail in VERIFIED}  # the bindings are not asked for other details
    if len(ours) != len(theirs):
        return _differs(f"{len(ours) - 1} nodes", f"{len(theirs) - 1}")
    for mine, other in zip(ours, theirs, strict=True):
        if mine.path != other.path:
            return _differs(mine.path, other.path)
        if mine.path in changed or (mine.path in cut and other.status == "unknown"):
            continue
        if mine.path == "/":  # they report only its state
            mine = mine._replace(flags=(), more=())
        mine = mine._replace(more=tuple(each for each in mine.more if each[0] in known))
        if mine.since and other.since and mine.status == other.status:
            # If a node's state is set to the same state, its time is new, and the server sends no memento.
            mine = mine._replace(since=other.since)
        if mine != other:
            return _differs(_describe(mine), _describe(other))
    if changed:
        return Verification(f"equal, except {len(changed)} nodes that changed meanwhile", is_equal=True)
    return Verification("equal, node by node", is_equal=True)


def _differs(ours: str, theirs: str) -> Verification:
    return _different(f"{ours}; the bindings have {theirs}")


def _different(difference: str) -> Verification:
    """Return the result of two readings that differ, with the first difference in words."""
    text = f"the protocol's reading differs from the bindings': {difference}"
    return Verification(text, text)


def _describe(record: StatusRecord) -> str:
    more = (f"{name} {value}" for name, value in record.more)
    details = [record.status, *([f"since {record.since}"] if record.since else []), *record.flags, *more]
    return f"{record.path} {' '.join(details)}"


def with_details(
    verification: Verification,
    found: "StoredDetails",
    stored_snapshot: bytes,
    theirs: "BindingsReading",
    changed: Collection[str],
    policy: "Policy",
    work: "Work",
) -> Verification:
    """Return a verification of equal statuses after the details were compared, too. Raises TooSlow.

    `found` has all stored details, and `changed` the nodes that changed between the two readings. A node is
    not compared if the bindings did not read one of its texts to the end.
    """
    from watchman_cli.details.compare import NotComparable, compare_stored

    head = parse_head(stored_snapshot[:HEAD_SIZE])
    paths = [record.path for record in theirs.records[1:]]
    skipped = {*changed, *theirs.cut}
    try:
        difference = compare_stored(
            found, head.revision if head else None, theirs.lines or "", paths, policy, skipped, work
        )
    except NotComparable as error:
        return without_details(verification, error)
    if difference:
        return _different(f"details: {difference}")
    return verification._replace(summary=f"{verification.summary}; their details as well")


def without_details(verification: Verification, error: Exception) -> Verification:
    """Return a verification of equal statuses if their details could not be compared."""
    return Verification(f"{verification.summary}; their details were not compared: {error}")


def verification_due(server: Server, reading: Reading, health: Health, now: datetime) -> bool:
    """Return whether the bindings must read a server too, in this run.

    A time beyond the configured interval is ignored: a clock that was ahead set it, or another configuration.
    """
    if server.reader != "auto" or reading.numbers is None or not health.next_verification:
        return False
    wait = parse_time(health.next_verification) - now
    return not timedelta(0) < wait <= timedelta(seconds=server.full_sync_every) + MAX_SKEW


def next_verification(server: Server, now: datetime, share: float) -> str:
    """Return when the bindings read next: at the interval's end, or before, by a share from 0 to 1.

    They never read in the first tenth of the interval: then the server has just been read in full.
    """
    seconds = server.full_sync_every * (0.1 + 0.9 * share)
    return (now + timedelta(seconds=seconds)).isoformat(timespec="seconds")


def reading_of(theirs: "BindingsReading", asked: str, reason: str) -> Reading:
    """Return the bindings' reading, which began at the time `asked`, as one that can be written."""
    return Reading(
        mode="full",
        reason=reason,
        read_time=asked,
        server_state=theirs.server_state,
        server_version=theirs.server_version,
        nodes=len(theirs.records) - 1,
        pieces=(snapshot.join_records(theirs.records),),
        cache=None,
        up_since=None,
        vitals={},
        numbers=None,
    )
