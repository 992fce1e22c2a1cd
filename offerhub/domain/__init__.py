"""The rules: pure functions and frozen values, without I/O, clock or randomness."""
