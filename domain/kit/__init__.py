"""What every topic rests on and knows no product: the database, time, identifiers, values, errors, signed tokens."""
