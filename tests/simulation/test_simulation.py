"""A few seeds of the simulation, and that a seed repeats itself."""

import pytest

from tests.simulation.simulation import simulate


@pytest.mark.parametrize("seed", [2, 9, 16, 36, 50])
def test_every_claim_holds_through_a_seed(seed: int) -> None:
    """`make simulate` runs more; `python -m tests.simulation --seed N` repeats one."""
    assert () == simulate(seed).violations


def test_a_seed_repeats_itself_exactly() -> None:
    """Every request, commit, kill and answer, at the same moment and in the same order."""
    assert simulate(7).digest == simulate(7).digest
