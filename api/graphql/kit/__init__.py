"""Tools that all topics of the graph share, and that know none of them."""
