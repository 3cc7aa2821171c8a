"""A store in a directory: `owner/repo/status` is the file `owner/repo/status.json`, replaced as a whole."""
