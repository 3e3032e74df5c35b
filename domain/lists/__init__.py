"""Lists: the members of a segment at a moment, frozen."""
