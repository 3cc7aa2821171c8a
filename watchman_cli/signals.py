"""The end of the process: by itself, or at once by a signal.

Python's signal handlers do nothing here. If a handler raises an error while an extension module is being
imported, the module crashes (orjson 3.11 does). No handler runs while the main thread is in C, as in the
look-up of Redis's name. So a signal is only noted, and a thread that waits for it ends the process.
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

_exiting = threading.Lock()  # the thread that ends the process takes it, and never releases it
_actions: list[Callable[[], None]] = []


ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def install_handlers() -> None:
    """Have a signal that ends the process do so with the shell's exit code, 128 plus the signal's number.

    SIGHUP stays ignored under nohup. If no thread can be started, signals have their usual effect.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    thread = threading.Thread(target=_await_signal, args=(reader,), name="watchman-signals", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for signum in ENDING:
        if signum != signal.SIGHUP or signal.getsignal(signum) is not signal.SIG_IGN:
            signal.signal(signum, lambda *_: None)


def on_signal(action: Callable[[], None]) -> None:
    """Call `action` before a signal ends the process; the last of several actions is called first."""
    _actions.append(action)


def _await_signal(reader: int) -> None:
    (signum,) = os.read(reader, 1)
    with _exiting:
        while _actions:
            with suppress(Exception):  # the other actions are still needed
                _actions.pop()()
        os._exit(128 + signum)


def exit_now(code: int, unprinted: int = 1) -> NoReturn:
    """End the process at once: an orderly end of the interpreter takes a tenth of a small run's time.

    If the output could not be written, the code 0 becomes `unprinted`.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has closed it
        pass
    except OSError as error:
        if not code:  # otherwise this error, or a worse one, was reported
            print_error(f"watchman: standard output: {error.strerror}")
            code = unprinted
    with suppress(OSError):
        sys.stderr.close()
    with _exiting:
        os._exit(code)
