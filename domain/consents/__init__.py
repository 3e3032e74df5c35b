"""Consent: whether a customer wants to hear from the store on a channel."""
