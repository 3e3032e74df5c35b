"""E-mail: what it takes to send a campaign over SMTP."""
