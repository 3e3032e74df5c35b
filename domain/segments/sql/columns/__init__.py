"""Columns that conditions compare and reports show."""
