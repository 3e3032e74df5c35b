"""Ways to reach customers that come with Muster, each written as a stranger's plugin would be."""
