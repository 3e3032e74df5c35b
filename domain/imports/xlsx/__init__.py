"""Reads workbooks (.xlsx) row by row, in bounded memory (docs/decisions/0023)."""
