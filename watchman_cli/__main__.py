"""Where the command begins."""

import gc
import signal
from typing import NoReturn

# New objects before garbage is looked for. With Python's own limit that takes a twentieth of a small run,
# nearly all of it while modules are imported, which leave none.
GARBAGE_THRESHOLD = 100_000


def run() -> NoReturn:
    """Run the command; a Ctrl-C while it is imported ends it as the shell expects, without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.set_threshold(GARBAGE_THRESHOLD)
    from watchman_cli.cli.main import run

    run()


if __name__ == "__main__":
    run()
