"""What the C library does with the memory of large replies."""

from __future__ import annotations

from contextlib import suppress
from functools import cache

LARGE = 1 << 17  # bytes
_M_MMAP_THRESHOLD = -3  # of malloc.h


@cache
def give_back_at_once() -> None:
    """Have a block of LARGE bytes go back to the system as soon as it is freed.

    glibc begins with that, and keeps ever larger blocks once some were freed: a fragmented heap for each
    thread, a third of the peak of a run over 200 servers of 10,000 nodes. Other C libraries lack the call.
    """
    import ctypes  # takes milliseconds, which a run without a large reply does without

    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE)
