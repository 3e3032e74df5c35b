"""Channels' code runs in processes of its own: what blocks, leaks or ends there harms nothing else."""
