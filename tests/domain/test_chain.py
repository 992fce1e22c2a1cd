"""The journal of a chain operation: planned → signed → submitted → an end (docs/spec/domain.md §3)."""

from datetime import timedelta

import pytest

from offerhub.domain.chain import (
    ALIVE_STATUSES,
    CHAIN_MOVES,
    OPEN_STATUSES,
    ChainStatus,
    FailureKind,
    check_move,
)
from offerhub.domain.chain_moves import RetryPolicy, planned_again
from offerhub.domain.errors import InvariantViolated
from tests.domain.world import (
    NOW,
    RETRY,
    context,
    escrow_asked,
    failed,
    funding_asked,
    planned_by,
    release_asked,
)

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


def test_another_attempt_asks_the_same_after_a_pause_that_grows() -> None:
    """The pause is part of the operation: whoever finds it obeys it (docs/spec/domain.md §3)."""
    failing = planned_by(release_asked())
    pauses = []
    for attempt in range(1, 12):
        again = planned_again(failed(failing, FailureKind.REFUSED), RETRY, context())
        assert (attempt + 1, failing.intent) == (again.attempt, again.intent)
        assert (failing.subject, failing.subject_id) == (again.subject, again.subject_id)
        assert again.not_before is not None
        pauses.append((again.not_before - NOW).total_seconds())
        failing = again
    assert [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60] == pauses


def test_pauses_are_spread_by_half_either_way() -> None:
    failing = failed(planned_by(release_asked()), FailureKind.INCLUDED)
    pauses = [
        planned_again(failing, RetryPolicy(3, chance), context()).not_before
        for chance in (0.0, 0.999)
    ]
    assert [timedelta(seconds=0.25), timedelta(seconds=0.7495)] == [
        pause - NOW for pause in pauses if pause is not None
    ]


def test_an_envelope_that_died_of_old_age_is_built_again_at_once() -> None:
    again = planned_again(failed(planned_by(funding_asked())), RETRY, context())
    assert again.not_before is None
