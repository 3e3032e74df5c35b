"""Campaigns: what goes to which list, through which channel, and when."""
