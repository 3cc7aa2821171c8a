"""Where the command begins."""

import signal
from typing import NoReturn


def run() -> NoReturn:
    """Run the command; a Ctrl-C while it is imported ends it as the shell expects, without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from watchman_cli.cli.main import run

    run()


if __name__ == "__main__":
    run()
