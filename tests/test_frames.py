"""What goes between the supervisor and a probe."""

from __future__ import annotations

import socket
import threading

from watchman_cli import probe


def test_a_probe_may_end_as_soon_as_it_has_its_verdict() -> None:
    """It may close its end between any two system calls of the supervisor's that send one frame."""
    for _ in range(300):
        ours, theirs = socket.socketpair()

        def end_with_the_verdict(link: socket.socket = theirs) -> None:
            with link:
                probe.receive(link)

        ending = threading.Thread(target=end_with_the_verdict)
        ending.start()
        with ours:
            probe.send(ours, probe.FIT)
            ending.join()
