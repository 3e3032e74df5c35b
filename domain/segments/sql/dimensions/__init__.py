"""The sources of dimensions: facts about a customer."""
