"""The log of what happened to customers, and how often: orders aside, everything that segments ask of behavior."""
