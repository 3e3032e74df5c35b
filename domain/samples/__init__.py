"""An invented store: plausible customers and orders, the same each time that they are generated."""
