"""What changed from one snapshot to the next: how it is found (compare.py), and its bytes (batch.py)."""
