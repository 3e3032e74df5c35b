"""Receipts: what providers tell of messages is stored before it is answered, and folded into deliveries later."""
