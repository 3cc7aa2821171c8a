"""A display of a run's progress on a terminal: how many servers are done, and the steps of the others."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from watchman_cli.output.log import Reporter
from watchman_cli.text import printable

if TYPE_CHECKING:
    from watchman_cli.collect import Outcome
    from watchman_cli.config import Server


class Progress(Reporter):
    """A reporter that keeps a table on the terminal up to date."""

    def __init__(self, total: int, *, always: bool) -> None:
        super().__init__(verbose=False, log_format="text", always=always)
        from rich.console import Console
        from rich.live import Live

        self._lock = threading.Lock()
        self._total = total
        # For each server: the present step, the time of its first step, and the deadline in seconds.
        self._steps: dict[str, tuple[str, float, float]] = {}
        self._done = self._failed = 0
        self._console = Console(stderr=True)
        self._live = Live(
            console=self._console, get_renderable=self._render, refresh_per_second=8, transient=True
        )

    def __enter__(self) -> Progress:
        with suppress(RuntimeError):  # if no thread can be started, nothing is displayed
            self._live.start()
        return self

    def __exit__(self, *details: object) -> None:
        with suppress(RuntimeError):
            self._live.stop()
        super().__exit__(*details)

    def on_progress(self, server: Server, progress: str) -> None:
        with self._lock:
            _, since, _ = self._steps.get(server.name, ("", time.monotonic(), 0))
            self._steps[server.name] = printable(progress), since, server.deadline

    def on_outcome(self, outcome: Outcome) -> None:
        with self._lock:
            self._steps.pop(outcome.server.name, None)
            self._done += 1
            self._failed += outcome.error is not None
        super().on_outcome(outcome)

    def report(self, name: str, message: str, level: int, outcome: Outcome | None = None) -> None:
        line = printable(f"{name}: {message}" if name else message)
        self._console.print(line, style="red", markup=False, highlight=False, soft_wrap=True)

    def _render(self) -> Any:
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        with self._lock:
            waiting = list(self._steps.items())
            failed = f", {self._failed} failed" if self._failed else ""
            table.add_row(Text(f"{self._done} of {self._total} servers done{failed}", style="bold"))
            rows = max(3, self._console.size.height - 4)
            now = time.monotonic()
            for name, (step, since, deadline) in waiting[:rows]:
                table.add_row(Text(name), Text(step, style="cyan"), f"{now - since:.0f} of {deadline:g} s")
            if len(waiting) > rows:
                table.add_row(Text(f"and {len(waiting) - rows} more"))
        return table
