"""A password as ecFlow sends it: traditional crypt(3), with the user's name as the salt."""

from __future__ import annotations

import ctypes
import threading
from typing import Any

import pytest

from watchman_cli.ecflow_client import PasswordUnusable
from watchman_cli.ecflow_client.password import encrypt


@pytest.mark.parametrize(
    ("password", "user", "sent"),
    [
        ("s3cret%", "fred", "frZE7JknQqCmE"),
        ("s3cret%", "frida", "frZE7JknQqCmE"),  # the salt is the first two characters
        ("s3cret%", "ma", "madY1OQfp1ZuM"),
        ("s3cret!", "fred", "frVuxWQu4QxMY"),
    ],
)
def test_the_library_encrypts(password: str, user: str, sent: str) -> None:
    assert encrypt(password, user) == sent


def test_salt_of_one_character_is_sent_as_ecflow_sends_it() -> None:
    assert encrypt("s3cret%", "x") == "*0"


class OldLibrary:
    """The C library of RHEL 7, which answers with NULL to a salt that it does not take."""

    class Crypt:
        def __call__(self, password: bytes, salt: bytes) -> bytes | None:
            assert (self.restype, self.argtypes) == (ctypes.c_char_p, [ctypes.c_char_p, ctypes.c_char_p])
            return None if salt == b":x" else b"encrypted"

        restype: Any = None
        argtypes: Any = None

    def __init__(self, name: str) -> None:
        if name == "libcrypt.so.1":
            raise OSError("cannot open shared object file")
        self.crypt = self.Crypt()


def test_user_name_that_cannot_be_a_salt_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", OldLibrary)
    assert encrypt("s3cret%", "fred") == "encrypted"
    with pytest.raises(PasswordUnusable, match="cannot encrypt a password for the user name :x"):
        encrypt("s3cret%", ":x")


def test_machine_without_the_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def missing(name: str) -> Any:
        tried.append(name)
        raise OSError("cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    with pytest.raises(
        PasswordUnusable, match=r"^this machine has no libcrypt, which ecFlow passwords need$"
    ):
        encrypt("s3cret%", "fred")
    assert tried == ["libcrypt.so.1", "libcrypt.so.2"]


def test_threads_do_not_mix_their_passwords() -> None:
    """The library answers in memory that its next call writes over."""
    users = ["fred", "mary", "john", "anna"]
    expected = {user: encrypt("s3cret%", user) for user in users}
    found: list[bool] = []

    def many(user: str) -> None:
        found.extend(encrypt("s3cret%", user) == expected[user] for _ in range(20))

    threads = [threading.Thread(target=many, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 80
