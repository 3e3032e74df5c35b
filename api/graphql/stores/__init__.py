"""The store in the graph: its settings and its channels."""
