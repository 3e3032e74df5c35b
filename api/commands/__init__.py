"""The commands of `muster`. Each imports what it runs when it runs, so that `--help` is quick (docs/decisions/0007)."""
