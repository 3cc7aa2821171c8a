"""How the stored details compare with the bindings' reading."""

from __future__ import annotations

from collections.abc import Collection

from watchman_cli import snapshot
from watchman_cli.bindings import BindingsReading
from watchman_cli.collect.verify import Verification, differs
from watchman_cli.details.compare import NotComparable, find_difference
from watchman_cli.details.policy import Policy
from watchman_cli.details.stored import StoredDetails
from watchman_cli.details.tree import DetailsChanged, DetailsDamaged, StoredTree
from watchman_cli.ecflow_client import Work

NOT_OF_SNAPSHOT = "what is stored does not belong to the snapshot"
DAMAGED = "what is stored is damaged"


def with_details(
    verification: Verification,
    found: StoredDetails,
    stored_snapshot: bytes,
    theirs: BindingsReading,
    changed: Collection[str],
    policy: Policy,
    work: Work,
) -> Verification:
    """Return a verification of equal statuses after the details were compared, too. Raises TooSlow.

    `found` has all that is stored of them, and `changed` the nodes that changed between the two readings.
    Nodes of which the bindings did not read a text to its end are not compared.
    """
    head = snapshot.parse_head(stored_snapshot[: snapshot.HEAD_SIZE])
    if head is None or not found.is_whole or found.revision != head.revision:
        return _not_compared(verification, NOT_OF_SNAPSHOT)
    work.check("compared")
    tree = StoredTree(lambda *_: found, found.stamp)
    paths = [record.path for record in theirs.records[1:]]
    try:
        tree.load()
        difference = find_difference(tree, theirs.lines or "", paths, policy, {*changed, *theirs.cut}, work)
    except NotComparable as error:
        return _not_compared(verification, str(error))
    except (DetailsChanged, DetailsDamaged):
        return _not_compared(verification, DAMAGED)
    if difference:
        return differs(f"details: {difference}")
    return verification._replace(summary=f"{verification.summary}; their details as well")


def _not_compared(verification: Verification, why: str) -> Verification:
    return Verification(f"{verification.summary}; their details were not compared: {why}")
