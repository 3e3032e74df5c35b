"""Background operations in the graph, and the imports that start them."""
