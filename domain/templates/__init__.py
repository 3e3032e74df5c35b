"""Templates: a content becomes one recipient's."""
