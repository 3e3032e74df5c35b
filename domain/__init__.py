"""What Muster knows and decides: rules, rows and the statements that bring them together."""
