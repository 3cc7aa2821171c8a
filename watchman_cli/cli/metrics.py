"""The metrics file of a run: written whole at its end, whatever the run came to."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from watchman_cli.files import replace_file

if TYPE_CHECKING:
    from pathlib import Path

    from watchman_cli.collect import Outcome
    from watchman_cli.config import Config, Server
    from watchman_cli.output.log import Reporter


class MetricsWriter:
    """Writes the metrics of a run over the servers `chosen`, which begins now."""

    def __init__(self, config: Config, reporter: Reporter, chosen: Sequence[Server]) -> None:
        self._config, self._reporter, self._chosen = config, reporter, chosen
        self._time, self._began = time.time(), time.monotonic()

    def write(self, outcomes: Sequence[Outcome], code: int) -> None:
        """Write the metrics of a run that ends with the exit code `code`; warn where they cannot be."""
        from watchman_cli.output.metrics import Run, render

        path, servers = self._config.metrics_file, self._config.servers
        assert path
        run = Run(
            outcomes, self._time, time.monotonic() - self._began, code, len(self._chosen) == len(servers)
        )
        try:
            replace_file(path, render(run, servers, lambda: _read(path)))
        except OSError as error:
            message = f"metrics_file: {path}: {error.strerror}; the metrics of this run are not written"
            self._reporter.report("watchman", message, logging.WARNING)


def _read(path: Path) -> str:
    """Return what an earlier run wrote; nothing where that cannot be read: it is then replaced."""
    try:
        return path.read_text() if path.is_file() else ""
    except (OSError, ValueError):
        return ""
