"""Tests of Example SMS."""
