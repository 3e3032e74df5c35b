"""Which customers are in which segments: found for changed customers and by the clock, recorded as events."""
