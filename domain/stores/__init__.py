"""Tenants: their settings, limits, tokens and installed channels."""
