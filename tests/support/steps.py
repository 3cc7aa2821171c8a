"""An event in place of `Store.stopped`: each pause of what waits for the store makes the next step."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Steps(threading.Event):
    """Steps that are made one by one instead of waiting; after the last one, the store is stopped."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        super().__init__()
        self._steps = list(steps)
        self.pauses: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout)
        if self._steps:
            self._steps.pop(0)()
        else:
            self.set()
        return self.is_set()
