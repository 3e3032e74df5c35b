"""Stores' accounts at providers: their pace, calls at the same time, and refusals, which all workers share."""
