"""The e-mail channel: sends a campaign's messages over SMTP."""
