"""The referee: a server's address goes in, what ECMWF's ecflow bindings read of it comes out.

The bindings hold Python's interpreter lock in every call and cannot be interrupted. So they are called in a
process of their own, which is killed at a deadline.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from watchman_cli.bindings.failures import BindingsFailed, BindingsMissing
    from watchman_cli.bindings.referee import Bindings, BindingsReading, Referee

__all__ = ["Bindings", "BindingsFailed", "BindingsMissing", "BindingsReading", "Referee"]

_FAILURES = ("BindingsFailed", "BindingsMissing")


def __getattr__(name: str) -> Any:
    """Import a name when it is first used: few runs ask the bindings."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{'failures' if name in _FAILURES else 'referee'}"), name)
