"""watchman together with the systems that read what it writes."""
