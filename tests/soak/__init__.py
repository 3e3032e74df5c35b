"""A server under everyday load for a long time: nothing of it may grow."""
