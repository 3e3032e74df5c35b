"""Lists in the graph: their members, analysis and exports."""
