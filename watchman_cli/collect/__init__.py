"""One run: a configuration and a store go in, an outcome per server comes out."""

from watchman_cli.collect.run import Outcome, Run

__all__ = ["Outcome", "Run"]
