"""Planted faults: each must be caught by a test, or the tests prove less than they seem to.

`make mutants` plants each kept fault alone in a copy of the tree and runs the tests that must fail.
"""
