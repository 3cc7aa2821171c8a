"""Check who can write a file, as sshd checks authorized_keys (StrictModes, auth_secure_path)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from shlex import quote


def find_other_writer(path: Path, includer: Path | None = None, seen: set[Path] | None = None) -> str | None:
    """Return why users other than the caller and root can change a file, with advice, or None.

    The file, every directory above it, and every symbolic link on the way to it are checked. A directory with
    the sticky bit, such as /tmp, is accepted: no user can replace another user's file there. Users who can
    change the file `includer` by its own owner and mode are accepted too. `seen` has the places that were
    checked before.
    """
    like = includer.stat() if includer else None
    if like and like.st_mode & stat.S_IWOTH:
        return None
    for place in _places(path, set() if seen is None else seen):
        try:
            status = place.lstat()
        except OSError as error:
            return f"{place}: {error.strerror}"
        if status.st_uid not in (0, os.geteuid(), like.st_uid if like else 0):
            return f"{place} belongs to {_user_name(status.st_uid)}; chown it to {_user_name(os.geteuid())}"
        sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
        writable = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if like and like.st_mode & stat.S_IWGRP and like.st_gid == status.st_gid:
            writable &= ~stat.S_IWGRP
        if writable and not (sticky or stat.S_ISLNK(status.st_mode)):
            advice = f"chmod go-w {quote(str(place))}"
            return f"{place} belongs to {_user_name(status.st_uid)}, but other users can write it; {advice}"
    return None


def _places(path: Path, seen: set[Path]) -> Iterator[Path]:
    for named in (Path(os.path.abspath(path)), Path(os.path.realpath(path))):  # noqa: PTH100 (keeps links)
        for place in (named, *named.parents):
            if place not in seen:
                seen.add(place)
                yield place


def _user_name(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"the user {uid}"
