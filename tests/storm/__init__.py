"""Storms: campaigns sent by real processes under random faults. The mail server's own log is the judge."""
