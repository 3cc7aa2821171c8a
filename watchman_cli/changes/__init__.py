"""The changes from one snapshot to the next: their comparison (compare.py) and their bytes (batch.py)."""
