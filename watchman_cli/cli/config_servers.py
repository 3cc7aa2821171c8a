"""`watchman config servers`: print the names of the configured servers."""

from __future__ import annotations

from watchman_cli.cli.options import CONFIG, SHARD, load_config, shard_from_option


def config_servers(shard: str | None = SHARD, config: str | None = CONFIG) -> None:
    """Print each server's owner/repo, in the configuration's order.

    No store or server is asked.
    """
    chosen = shard_from_option(shard)
    for server in load_config(config, None).servers:
        if chosen is None or chosen.has(server.name):
            print(server.name)
