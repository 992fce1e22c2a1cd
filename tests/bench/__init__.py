"""Benchmarks: `make bench`. Timings are measured here and nowhere else in the tests."""
