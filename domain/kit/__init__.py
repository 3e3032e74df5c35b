"""The floor of every topic, which knows no product: database, time, identifiers, values, errors, signed tokens."""
