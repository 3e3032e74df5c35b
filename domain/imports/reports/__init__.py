"""Reports of imports: how a file's columns were mapped, its first rows as they were read, and counts."""
