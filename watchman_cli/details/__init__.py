"""A node's attributes, as ECMWF's own lines: what they mean, and how they are kept."""
