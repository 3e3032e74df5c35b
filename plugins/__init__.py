"""How others extend Muster: plugins are found, checked and configured here."""
