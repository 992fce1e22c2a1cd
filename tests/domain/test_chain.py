"""The journal of a chain operation: planned → signed → submitted → an end (docs/spec/domain.md §3)."""

import pytest

from offerhub.domain.chain import (
    ALIVE_STATUSES,
    CHAIN_MOVES,
    OPEN_STATUSES,
    ChainStatus,
    check_move,
)
from offerhub.domain.errors import InvariantViolated
from tests.domain.world import escrow_asked, planned_by

ALLOWED = {
    # Nothing signed can be on the chain: a plan is signed, or given up.
    "planned": {"signed", "failed"},
    # What is signed may be found on the chain though we never saw it submitted.
    "signed": {"submitted", "confirmed", "failed", "expired"},
    "submitted": {"confirmed", "failed", "expired"},
    "confirmed": set(),
    "failed": set(),
    "expired": set(),
}


@pytest.mark.parametrize("after", list(ChainStatus))
@pytest.mark.parametrize("before", list(ChainStatus))
def test_an_operation_only_moves_forward(before: ChainStatus, after: ChainStatus) -> None:
    if after is before or after.value in ALLOWED[before.value]:
        check_move(before, after)
    else:
        with pytest.raises(InvariantViolated):
            check_move(before, after)


def test_open_is_what_has_no_end_and_alive_what_the_network_may_still_apply() -> None:
    assert {state for state, followers in CHAIN_MOVES.items() if followers} == OPEN_STATUSES
    assert OPEN_STATUSES - {ChainStatus.PLANNED} == ALIVE_STATUSES


def test_the_envelope_stays_out_of_texts() -> None:
    operation = planned_by(escrow_asked())
    assert "envelope" not in repr(operation)
