"""Writes the beginning of a plugin: a package with a channel that passes the contract (decision 28)."""
