"""Templates: how content becomes one recipient's."""
