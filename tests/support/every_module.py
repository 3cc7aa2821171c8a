"""Imports all that the command may import, for the process that it is forked from."""

import importlib
import pkgutil
import sys

import watchman_cli

NOT_OURS = "watchman_cli.bindings.script"  # it runs under the interpreter that has the bindings

for module in pkgutil.walk_packages(watchman_cli.__path__, "watchman_cli."):
    if module.name != NOT_OURS:
        importlib.import_module(module.name)

# Where it is measured, the imports are: else each process would keep them once more.
if "coverage" in sys.modules and (measured := sys.modules["coverage"].Coverage.current()):
    measured.save()
