"""What customers did: orders, and events of any name."""
