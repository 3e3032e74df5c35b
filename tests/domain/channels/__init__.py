"""Tests of what channels of stores do besides sending."""
