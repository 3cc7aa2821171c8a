"""Causes: the problems that need an operator, each told once when it begins and once when it ends.

A Cause is a root cause among the nodes, a failing or halted server, or a missed deadline. A server's Notices,
which its health record keeps, say which causes are known and told. Nothing here knows servers, stores or the
clock.
"""
