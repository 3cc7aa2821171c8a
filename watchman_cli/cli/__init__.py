"""The command line: a module a command, which reads its options, calls the library and prints.

The only stage that imports typer.
"""
