"""The installation: its lasting keys, and by which it knows its database again."""
