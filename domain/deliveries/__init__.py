"""Deliveries: one campaign's message to one customer, from intent to evidence."""
