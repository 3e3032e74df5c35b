"""Orders: what their statuses mean."""
