"""Sessions with channels' code, wherever it runs, and what is known of the messages that are handed over."""
