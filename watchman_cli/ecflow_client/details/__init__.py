"""What is kept of a node besides its state: a file a detail, and its line in DETAILS."""

from . import flags
from .base import Detail

__all__ = ["DETAILS", "Detail"]

DETAILS = (flags.FLAGS,)
