"""The referee: a server's address goes in, what ECMWF's ecflow bindings read of it comes out."""
