"""One run: a configuration and a store go in, an outcome for each server comes out."""

from watchman_cli.collect.result import Outcome, Result
from watchman_cli.collect.run import Collector

__all__ = ["Collector", "Outcome", "Result"]
