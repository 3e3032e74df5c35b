"""Segments: named filters over customers, and how a filter becomes SQL."""
