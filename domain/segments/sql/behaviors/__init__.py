"""The sources of behaviors: logs of what customers did."""
