"""Installs strangers' plugins beside Muster's own environment, which is rebuilt from its lock file (decision 28)."""
