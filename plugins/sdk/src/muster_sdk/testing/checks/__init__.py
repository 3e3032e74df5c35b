"""The tests of the contract, by topic."""
