"""Imports: customers and orders from files of any size."""
