"""The command line: each command has a module, which reads its options, calls the library and prints.

Only this package imports typer.
"""
