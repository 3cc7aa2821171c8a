"""A command that gets an event on standard input; it and its children are killed at a deadline."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress

from watchman_cli.notify.attempt import NotDelivered
from watchman_cli.text import quoted


class Commands:
    """Runs a command for one event after the other, in several threads."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def deliver(self, event: bytes, deadline: float) -> None:
        """Run the command over an event until `deadline`, a time.monotonic().

        Raises NotDelivered; it is transient if the command does not end, or cannot be started.
        """
        environment = {name: value for name, value in os.environ.items() if name != "WATCHMAN_STORE"}
        try:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,  # so that its children can be killed with it
            )
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else None
            raise NotDelivered(
                f"cannot be started: {why or 'an argument is invalid'}", transient=True
            ) from error
        self._running.add(process)
        try:
            if self._stopped:
                _kill(process)
            process.communicate(event + b"\n", max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            raise NotDelivered("it did not end in time, and was killed", transient=True) from error
        finally:
            if process.poll() is None:
                _kill(process)
                process.wait()
            if process.stdin is not None:
                with suppress(OSError):
                    process.stdin.close()
            self._running.discard(process)
        if process.returncode < 0:
            raise NotDelivered(f"it was killed by signal {-process.returncode}")
        if process.returncode:
            raise NotDelivered(f"exit code {process.returncode}")

    def stop(self) -> None:
        """Kill every command that runs, with its children."""
        self._stopped = True
        for process in list(self._running):
            _kill(process)


def shown(command: Sequence[str]) -> str:
    """Return a command for a message: its arguments may be secret."""
    return quoted(command[0])


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that was not waited for, and its children."""
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
