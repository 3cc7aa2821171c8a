"""What makes the next run incremental: a stored snapshot and changes go in, a new snapshot comes out."""
