"""A store in Redis: one server, the master that Sentinels name, or a Redis Cluster."""
