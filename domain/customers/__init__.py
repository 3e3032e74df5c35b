"""Customers: who they are, how they are reached, and the facts that segments scan."""
