"""A client of SMTP (RFC 5321)."""
