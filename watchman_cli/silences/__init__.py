"""Silences: servers and nodes whose alarms an operator has turned off until a time.

They are configured (`maintenance`), or kept in the store by `watchman silence`. Nothing here knows servers,
stores or the clock.
"""

from watchman_cli.silences.model import Silence, describe, silenced
from watchman_cli.silences.stored import decode, with_silence, without_silence

__all__ = ["Silence", "decode", "describe", "silenced", "with_silence", "without_silence"]
