"""Evaluate filters: resolve, preview and match them."""
