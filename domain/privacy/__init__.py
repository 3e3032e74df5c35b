"""Privacy: what is held of a person, all of it in one file for them, and nothing of it once they are forgotten."""
