"""Lists: what a segment held at a moment, frozen."""
