"""Filters compiled to one SELECT of customer ids."""
