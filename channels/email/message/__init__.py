"""Composes e-mail messages: HTML, plain text and MIME."""
