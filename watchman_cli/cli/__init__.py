"""The command line: one file a command. Arguments go in, an exit code comes out."""
