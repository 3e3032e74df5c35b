"""Previews from cached bitmaps of a filter's leaves."""
