"""Conditions in SQL: columns, dimensions and behaviors, alike on SQLite and PostgreSQL."""
