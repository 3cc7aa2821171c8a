"""Notifications: what the stored notices say is told to the receivers, after all snapshots are written."""
