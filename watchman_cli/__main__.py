"""Where the command begins."""

import gc
import os
import signal
import sys
from typing import NoReturn

# New objects before garbage is looked for. With Python's own limit that takes a twentieth of a small run,
# nearly all of it while modules are imported, which leave none.
GARBAGE_THRESHOLD = 100_000


def run() -> NoReturn:
    """Run the command; a Ctrl-C while it is imported ends it as the shell expects, without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.set_threshold(GARBAGE_THRESHOLD)
    try:
        from watchman_cli.cli.main import run
    except Exception as error:  # no memory, or a damaged installation
        from watchman_cli.cli.unexpected import describe, report

        code = report(sys.argv[1:], describe(error))
        sys.stdout.flush()
        os._exit(code)
    run()


if __name__ == "__main__":
    run()
