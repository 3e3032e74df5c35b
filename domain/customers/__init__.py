"""Customers: their fields, their addresses on channels, and the facts that segments scan."""
