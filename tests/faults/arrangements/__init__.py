"""What each row arranges, a module for each side that fails."""
