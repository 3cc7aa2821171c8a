"""A password as ecFlow sends it: crypt(3) of it, with the user's name as the salt.

Source: libs/core/src/ecflow/core/PasswordEncryption.hpp. The C library's function is called directly:
Python has no `crypt` module since 3.13.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from .errors import PasswordUnusable

if TYPE_CHECKING:
    import ctypes

_lock = threading.Lock()  # the function's answer is in memory that its next call writes over


def _library() -> ctypes.CDLL:
    """Return the library with crypt(3). Raises PasswordUnusable.

    It is named here, since ctypes.util.find_library() runs other programs, for each server of a run.
    """
    import ctypes

    for name in ("libcrypt.so.1", "libcrypt.so.2"):
        with suppress(OSError):
            return ctypes.CDLL(name)
    raise PasswordUnusable("this machine has no libcrypt, which ecFlow passwords need")


def encrypt(password: str, user: str) -> str:
    """Return a password as it goes to the server. Raises PasswordUnusable."""
    import ctypes

    library = _library()
    library.crypt.restype = ctypes.c_char_p
    library.crypt.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
    with _lock:
        found: bytes | None = library.crypt(password.encode(), user.encode())
    if not found:  # a salt of one character gives `*0`, which ecFlow sends and compares as it is
        raise PasswordUnusable(f"ecFlow cannot encrypt a password for the user name {user}")
    return found.decode()
