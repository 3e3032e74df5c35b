"""The demo: imports, a segment, its list and a campaign, run against a real server and shown on a terminal."""
