"""Campaigns in the graph: broadcasts, their reach and their deliveries."""
