"""A shop that never was: plausible customers and orders, the same at every making."""
