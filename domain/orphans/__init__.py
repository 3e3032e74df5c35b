"""Orphans: what waits for a worker that will never come."""
