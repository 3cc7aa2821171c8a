"""The configuration: from a YAML file to a valid Config."""

from watchman_cli.config.load import find, load, make_server, store_url
from watchman_cli.config.model import Config, Server

__all__ = ["Config", "Server", "find", "load", "make_server", "store_url"]
