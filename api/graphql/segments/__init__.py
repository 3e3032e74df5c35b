"""Segments in the graph: their filters, the catalogue, previews and presets."""
