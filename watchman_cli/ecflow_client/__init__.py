"""A read-only client of ecFlow's protocol: an address goes in, nodes or their changes come out."""
