"""The stream of a server's changes: the batch that continues it, and whether it leads to the snapshot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from watchman_cli.snapshot import Head, Piece, RecordChange

if TYPE_CHECKING:  # imported only if there are changes
    from watchman_cli.changes.batch import Batch

NOT_KEPT = "changes were not kept for a while"


class News(NamedTuple):
    """What a batch has beside the changes of nodes: missed deadlines, and causes that began and ended."""

    missed: tuple[str, ...] = ()
    began: tuple[Mapping[str, Any], ...] = ()
    ended: tuple[Mapping[str, Any], ...] = ()


class Stream(NamedTuple):
    """The stream of the server `source`, and its stored snapshot: the head, or None, and the bytes.

    `is_kept` says whether the stream leads to that snapshot: the revision alone does not show that, since a
    server may be back in an earlier state.
    """

    source: str
    head: Head | None
    snapshot: Callable[[], bytes]
    is_kept: bool

    def continue_with(
        self,
        time: str,
        new: Head | None,
        pieces: Sequence[Piece],
        changes: Sequence[RecordChange] | None,
        news: News,
    ) -> Batch | None:
        """Return the batch that leads to a snapshot read at `time`, ISO 8601, or None without a change.

        `new` is its head, or None to keep the stored one. Its records are in `pieces`; `changes` are None if
        they are unknown. If the stream does not lead to the stored snapshot, the batch is a reset. Raises
        StoreError.
        """
        if new is None and not any(news):
            return None
        batch = None
        if new is not None:
            from watchman_cli.changes.compare import make_batch_of

            batch = make_batch_of(self.source, new, self.head, self.snapshot, pieces, changes)
        if any(news) and batch is None and self.head is not None:
            from watchman_cli.changes.batch import Batch

            revision = self.head.revision
            batch = Batch(self.source, time, revision, revision, self.head.server_state)
        if batch is None:
            return None
        batch = replace(batch, **news._asdict())
        return batch if batch.before is None or self.is_kept else batch.as_reset(NOT_KEPT)

    def leads_to(self, new: Head | None, batch: Batch | None) -> bool:
        """Return whether the stream with that batch leads to the new snapshot, None for the stored one."""
        if batch is not None:
            return True
        stored = self.head.revision if self.head else ""
        return self.is_kept and (new is None or new.revision == stored)
