"""The details of a node besides its state: each has a file, and a line in DETAILS."""

from . import flags
from .base import Detail

__all__ = ["DETAILS", "Detail"]

DETAILS = (flags.FLAGS,)
