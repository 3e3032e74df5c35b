"""A mail server for the demo, the benchmarks and the tests: it accepts messages and delivers none."""
