"""The referee: a server's address goes in, what ECMWF's ecflow bindings read of it comes out.

The bindings hold Python's interpreter lock in every call and cannot be interrupted. So they are called in a
process of their own, which is killed at a deadline.
"""

from watchman_cli.bindings.failures import BindingsFailed, BindingsMissing
from watchman_cli.bindings.referee import Bindings, BindingsReading, Referee

__all__ = ["Bindings", "BindingsFailed", "BindingsMissing", "BindingsReading", "Referee"]
