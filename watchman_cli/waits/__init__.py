"""Why a node waits: expressions are parsed and evaluated, and conditions followed, as ecFlow does."""

from watchman_cli.waits.chain import End
from watchman_cli.waits.condition import Wait
from watchman_cli.waits.lint import Finding, lint
from watchman_cli.waits.result import Why, explain

__all__ = ["End", "Finding", "Wait", "Why", "explain", "lint"]
