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

# Where the names are; each is imported when it is first used, since few runs ask the bindings.
_MODULES = {
    "Bindings": "referee",
    "BindingsFailed": "failures",
    "BindingsMissing": "failures",
    "BindingsReading": "referee",
    "Referee": "referee",
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
