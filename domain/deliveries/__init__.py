"""Deliveries: a message to one customer each, from intent to evidence."""
