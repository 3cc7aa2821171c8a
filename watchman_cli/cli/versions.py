"""The versions that a report of a fault needs."""

from __future__ import annotations

import platform
from collections.abc import Iterator

from watchman_cli.cli.config_check import find_bindings
from watchman_cli.cli.options import load_config
from watchman_cli.errors import ConfigError
from watchman_cli.text import printable


def others() -> Iterator[str]:
    """Yield a line for Python, for redis-py, and for the ecFlow bindings that a run would find."""
    from importlib.metadata import version

    yield f"Python {platform.python_version()}"
    yield f"redis-py {version('redis')}"
    yield f"ecflow bindings {_bindings()}"


def _bindings() -> str:
    """Return the version of the ecFlow bindings and their interpreter, or `none`."""
    from watchman_cli.bindings import BindingsFailed, BindingsMissing

    try:
        named = load_config(None, None).ecflow_python
    except ConfigError:  # there is no configuration, or an invalid one: a run would not start
        named = None
    try:
        found = find_bindings(named)
    except (BindingsMissing, BindingsFailed):
        return "none"
    return printable(f"{found.version} ({found.interpreter})")
