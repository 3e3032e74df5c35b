"""Leaf by leaf: whom each condition finds, as sets that are combined outside the database."""
