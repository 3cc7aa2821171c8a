"""The metrics file of a run, which is written as a whole when the run ends, for any exit code."""

from __future__ import annotations

import logging
import os
import stat
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from watchman_cli.errors import StoreError
from watchman_cli.files import locked, replace_file, why_distrusted

if TYPE_CHECKING:
    from watchman_cli.collect import Outcome
    from watchman_cli.config import Config
    from watchman_cli.output.log import Reporter
    from watchman_cli.output.metrics import Silenced
    from watchman_cli.silences import Silence
    from watchman_cli.store import Store

LOCK_PATIENCE = 2.0  # seconds to wait for other runs
LOCK_PATIENCE_PER_SERVER = 0.01  # seconds more for each server: the tasks of an array end at the same time
MAX_SIZE = 64 << 20  # bytes; a larger file was written by another program


class MetricsWriter:
    """Writes the metrics of a run that begins now."""

    def __init__(self, config: Config, reporter: Reporter) -> None:
        self._config, self._reporter = config, reporter
        self._label = config_label(config.path)
        self._time, self._began = time.time(), time.monotonic()

    def write(self, outcomes: Sequence[Outcome], code: int, store: Store | None = None) -> None:
        """Write the metrics of a run that ends with an exit code; warn if that fails.

        Without the store, silences are unknown.
        """
        from watchman_cli.output.metrics import Run, merge
        from watchman_cli.output.metrics_text import decode, encode

        path = self._config.metrics_file
        assert path
        silenced = {} if store is None else find_silenced(store, self._config, outcomes)
        seconds = time.monotonic() - self._began
        run = Run(self._label, self._config.servers, outcomes, self._time, seconds, code, silenced)
        try:
            with locked(path.parent, lock_patience(len(self._config.servers))):
                replace_file(path, encode(merge(run, decode(_read(path)), time.time())))
        except OSError as error:
            message = f"metrics_file: {path}: {error.strerror}; the metrics of this run are not written"
            self._reporter.report("watchman", message, logging.WARNING)


def lock_patience(servers: int) -> float:
    """Return the seconds to wait for other runs, which write the series of this many servers."""
    return LOCK_PATIENCE + LOCK_PATIENCE_PER_SERVER * servers


def find_silenced(store: Store, config: Config, outcomes: Sequence[Outcome]) -> dict[str, Silenced]:
    """Return the silenced parts of each server that was asked, if the store tells."""
    from watchman_cli.output.metrics import Silenced
    from watchman_cli.readback import read_silences

    found = {}
    now = datetime.now(timezone.utc)
    try:
        for outcome in outcomes:
            name = outcome.server.name
            silences = [*config.maintenance, *read_silences(store, name)] if outcome.health else []
            found[name] = Silenced({}, ())
            if any(each.is_at(now) and each.concerns(name) for each in silences):
                found[name] = _silenced_of(store, name, config.maintenance)
    except StoreError:
        pass
    return found


def _silenced_of(store: Store, name: str, maintenance: Sequence[Silence]) -> Silenced:
    from watchman_cli.check import DEFAULT_THRESHOLDS, assess, silence_of
    from watchman_cli.deadlines import listed, path_of
    from watchman_cli.output.metrics import Silenced
    from watchman_cli.readback import read_servers

    (stored,) = read_servers(store, [name], maintenance=maintenance)
    causes = Counter({"server": int(silence_of(stored, None) is not None)})
    for quiet in assess(stored, DEFAULT_THRESHOLDS).quiet:
        causes[quiet.kind.lower()] += quiet.number
    deadlines = (each.deadline for each in listed(stored.health.deadlines))
    return Silenced(causes, [each for each in deadlines if silence_of(stored, path_of(each))])


def config_label(path: Path) -> str:
    """Return a configuration's value for the label `config`: its absolute path, with links resolved.

    A path that does not name a regular file, such as /dev/stdin, would resolve to another path in each run.
    """
    resolved = os.path.realpath(path) if path.is_file() else os.path.abspath(path)  # noqa: PTH100
    return os.fsencode(resolved).decode(errors="backslashreplace")


def _read(path: Path) -> bytes:
    """Return the content of the metrics file, or no bytes if it is missing or invalid; then it is replaced.

    A world-writable file is replaced too. Its owner may be the user of another configuration. Raises OSError
    if it cannot be read: it may have the series of another configuration.
    """
    try:
        status = path.lstat()
    except FileNotFoundError:
        return b""
    if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_SIZE:
        return b""
    if why_distrusted(status, (status.st_uid,)):
        return b""
    return path.read_bytes()
