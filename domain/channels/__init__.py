"""Channels of stores besides sending: their state, calls of their code, accounts being connected, work that is due."""
