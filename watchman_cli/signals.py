"""How the command ends: by itself, or at once by SIGINT or SIGTERM, whatever it is doing.

No signal handler of Python's does anything here. One that raises may do so while an extension module
is being imported, which then crashes (orjson 3.11 does), and none runs while the main thread is in C,
as in a look-up of Redis's name. So the signal is only noted, and a thread that waits for it ends the
process.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from watchman_cli.errors import print_error

_ending = threading.Lock()  # of who ends the process; never given back
_before: list[Callable[[], None]] = []


def end_by_signals() -> None:
    """From now on SIGINT and SIGTERM end the process with the shell's 128 plus their number."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: None)
    threading.Thread(target=_await_signal, args=(reader,), name="watchman-signals", daemon=True).start()


def before_a_signal_ends(action: Callable[[], None]) -> None:
    """Have `action` done first; of several, the last one given is done first."""
    _before.append(action)


def _await_signal(reader: int) -> None:
    (signum,) = os.read(reader, 1)
    with _ending:
        try:
            while _before:
                _before.pop()()
        finally:
            os._exit(128 + signum)


def leave(code: int) -> NoReturn:
    """End the process: at once, since taking the modules apart takes a tenth of a small run."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # nobody reads on
        pass
    except OSError as error:
        if not code:  # else it was told, or something worse
            print_error(f"watchman: standard output: {error.strerror}")
            code = 1
    with suppress(OSError):
        sys.stderr.flush()
    with _ending:
        os._exit(code)
