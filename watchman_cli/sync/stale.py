"""Drop the client handles that a killed run left on a server, or that were registered for other suites."""

from __future__ import annotations

from watchman_cli.ecflow_client import Answer, Client, EcflowError, Limits
from watchman_cli.sync.cache import SyncCache
from watchman_cli.sync.handles import prefix_of, stale_handles
from watchman_cli.sync.reading import Scope


class StaleHandles:
    """The `numbers` of this watchman's unused handles on one server, as its answers list them."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.numbers: list[int] = []

    def note(self, answer: Answer, cache: SyncCache | None, used: int) -> None:
        """Note the unused handles in an answer; the handle number `used` is in use."""
        if not self._scope.leased:  # the handle that is kept is in use
            return
        prefixes = {prefix_of(self._scope.marker), prefix_of(cache.marker if cache else "")} - {""}
        self.numbers += stale_handles(answer.handles or (), prefixes, used)

    def add(self, handle: int) -> None:
        """Note a handle that only this reading uses."""
        self.numbers.append(handle)

    def drop(self, client: Client, limits: Limits) -> None:
        """Drop the handles; the reading does not depend on it, and another run may just have dropped them."""
        if self.numbers:
            from watchman_cli.ecflow_client import Drop

            try:
                client.ask([Drop(handle) for handle in self.numbers], limits)
            except EcflowError:
                pass
