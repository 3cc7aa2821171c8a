"""A node's flags, of those that an operator acts upon (Flag.hpp)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from ..numbers import natural
from .base import Detail

# Each at the place of its bit (Flag::enum_to_char_star).
NAMES = (
    "force_aborted", "user_edit", "task_aborted", "edit_failed", "ecfcmd_failed", "no_script", "killed",
    "late", "message", "by_rule", "queue_limit", "task_waiting", "locked", "zombie", "no_reque", "archived",
    "restored", "threshold", "sigterm", "not_set", "log_error", "checkpt_error", "killcmd_failed",
    "statuscmd_failed", "status", "remote_error",
)  # fmt: skip
DIFFERENT = 1 << 10  # numbers whose flags are kept: few are in use
SHOWN = frozenset(
    (
        "late", "zombie", "task_aborted", "ecfcmd_failed", "killcmd_failed", "statuscmd_failed", "no_script",
        "edit_failed", "killed", "threshold", "remote_error", "checkpt_error", "log_error",
    )
)  # fmt: skip


def read_token(text: str) -> tuple[str, ...] | None:
    """Return the flags in a text such as `late,message`."""
    return _shown(text.split(","))


def read_memento(fields: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the flags in a FlagMemento, whose number has a bit for each."""
    return _shown_of(natural(fields["flag_"].get("flag_", 0)))


@lru_cache(maxsize=DIFFERENT)
def _shown_of(bits: int) -> tuple[str, ...] | None:
    return _shown(names_of(bits))


@lru_cache(maxsize=DIFFERENT, typed=True)
def names_of(bits: int) -> tuple[str, ...]:
    """Return the flags in a number that has a bit for each. Raises TypeError if it is not a whole number."""
    return tuple(name for bit, name in enumerate(NAMES) if bits >> bit & 1)


def _shown(found: Collection[str]) -> tuple[str, ...] | None:
    return tuple(name for name in NAMES if name in SHOWN and name in found) or None


FLAGS = Detail("flags", "flag", read_token, "FlagMemento", read_memento, "get_flag", read_token)
