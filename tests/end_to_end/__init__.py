"""Tests of real processes: started, killed, starved of what they need, and stopped."""

import pytest

# Its assertions are what these tests say; without this they would fail without figures.
pytest.register_assert_rewrite("tests.end_to_end.checks")
