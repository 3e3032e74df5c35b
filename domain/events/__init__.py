"""The log of what happened to customers, and counters of it: all that filters ask of behavior, but orders."""
