"""Plugins, by which others extend Muster: they are found, checked and configured here."""
