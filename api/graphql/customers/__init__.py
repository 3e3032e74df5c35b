"""Customers in the graph: profiles, contacts, properties, events and lifecycle."""
