"""The channels that Muster ships, each written as a third-party plugin would be."""
