"""Campaigns send content to a list, through a channel, at a time."""
