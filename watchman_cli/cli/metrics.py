"""The metrics file of a run: written whole at its end, whatever the run came to."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from watchman_cli.files import replace_file

if TYPE_CHECKING:
    from watchman_cli.collect import Outcome
    from watchman_cli.config import Config, Server
    from watchman_cli.output.log import Reporter


class MetricsWriter:
    """Writes the metrics of a run over the servers `chosen`, which begins now.

    prometheus_client takes some time to import, which passes while the servers are waited for.
    """

    def __init__(self, config: Config, reporter: Reporter, chosen: Sequence[Server]) -> None:
        self._config, self._reporter, self._chosen = config, reporter, chosen
        self._time, self._began = time.time(), time.monotonic()
        try:
            threading.Thread(target=import_module, args=("prometheus_client",), daemon=True).start()
        except RuntimeError:  # no thread can be started
            pass

    def write(self, outcomes: Sequence[Outcome], code: int) -> None:
        """Write the metrics of a run that ends with the exit code `code`; warn where they cannot be."""
        from watchman_cli.output.metrics import Run, render

        path, servers = self._config.metrics_file, self._config.servers
        assert path
        run = Run(
            outcomes, self._time, time.monotonic() - self._began, code, len(self._chosen) == len(servers)
        )
        try:
            before = path.read_text() if path.exists() else ""
        except (OSError, ValueError):  # it is written anew
            before = ""
        try:
            replace_file(path, render(run, servers, before))
        except OSError as error:
            message = f"metrics_file: {path}: {error.strerror}; the metrics of this run are not written"
            self._reporter.report("watchman", message, logging.WARNING)
