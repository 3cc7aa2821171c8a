"""What is kept of a node besides its state: a file a detail, and its line in DETAILS."""

from watchman_cli.ecflow_client.details import flags
from watchman_cli.ecflow_client.details.base import Detail

__all__ = ["DETAILS", "Detail"]

DETAILS = (flags.FLAGS,)
