"""Lists that a provider keeps too: the latest ones of a store are handed over, page by page."""
