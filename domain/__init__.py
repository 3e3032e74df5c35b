"""The domain: rules, rows and the statements that bring them together."""
