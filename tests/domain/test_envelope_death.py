"""An envelope is dead only when everything agrees that it is; whatever is missing keeps it alive."""

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from offerhub.domain.envelope_death import (
    CLOCK_TOLERANCE,
    AccountSeen,
    Envelope,
    NetworkSeen,
    Verdict,
    judge,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ENVELOPE = Envelope(sequence=10, max_time=NOON, signed_after=100)
LATER = NOON + timedelta(seconds=30)
NETWORK = NetworkSeen(ledger=130, closed_at=LATER, elder_ledger=1)
ACCOUNT = AccountSeen(sequence=9, ledger=130)


def verdict(
    envelope=ENVELOPE, now=LATER, network=NETWORK, account=ACCOUNT, absent_at=125
) -> Verdict:
    return judge(envelope, now=now, network=network, account=account, absent_at=absent_at).verdict


def test_an_envelope_is_dead_when_all_the_evidence_agrees():
    assert Verdict.DEAD is verdict()


@pytest.mark.parametrize(
    ("doubt", "expected"),
    [
        ({"absent_at": None}, Verdict.UNPROVEN),
        ({"absent_at": 130}, Verdict.UNPROVEN),
        ({"account": None}, Verdict.UNPROVEN),
        ({"account": evolve(ACCOUNT, ledger=None)}, Verdict.UNPROVEN),
        ({"account": evolve(ACCOUNT, ledger=129)}, Verdict.UNPROVEN),
        ({"account": evolve(ACCOUNT, sequence=10)}, Verdict.SPENT),
        ({"account": AccountSeen(sequence=11, ledger=None)}, Verdict.SPENT),
        ({"network": evolve(NETWORK, elder_ledger=102)}, Verdict.UNPROVEN),
        ({"network": evolve(NETWORK, ledger=99)}, Verdict.UNPROVEN),
        ({"network": evolve(NETWORK, closed_at=NOON)}, Verdict.ALIVE),
        ({"now": NOON}, Verdict.ALIVE),
        ({"now": NOON - timedelta(minutes=4)}, Verdict.ALIVE),
        ({"now": LATER + timedelta(minutes=6)}, Verdict.UNPROVEN),
        ({"now": LATER - timedelta(minutes=6)}, Verdict.UNPROVEN),
    ],
)
def test_one_doubt_is_enough_to_keep_it(doubt, expected):
    assert expected is verdict(**doubt)


seconds = st.integers(-900, 900).map(lambda s: NOON + timedelta(seconds=s))
ledgers = st.integers(90, 140)


@given(
    now=seconds,
    network=st.builds(NetworkSeen, ledger=ledgers, closed_at=seconds, elder_ledger=ledgers),
    account=st.none() | st.builds(AccountSeen, st.integers(8, 12), st.none() | ledgers),
    absent_at=st.none() | ledgers,
)
def test_no_envelope_dies_that_an_honest_chain_could_still_apply(now, network, account, absent_at):
    """Whatever is answered: a death rests on both clocks, a fresh account, a whole history."""
    found = verdict(now=now, network=network, account=account, absent_at=absent_at)
    if found is Verdict.DEAD:
        assert now > ENVELOPE.max_time
        assert network.closed_at > ENVELOPE.max_time
        assert abs(network.closed_at - now) <= CLOCK_TOLERANCE
        assert account is not None
        assert account.sequence < ENVELOPE.sequence
        assert account.ledger is not None
        assert account.ledger >= network.ledger
        assert network.elder_ledger <= 101
        assert absent_at is not None
        assert absent_at < network.ledger
    if found is Verdict.SPENT:
        assert account is not None
        assert account.sequence >= ENVELOPE.sequence


@given(
    account=st.builds(AccountSeen, st.integers(10, 99), st.none() | ledgers),
    network=st.builds(NetworkSeen, ledger=ledgers, closed_at=seconds, elder_ledger=ledgers),
    now=seconds,
    absent_at=st.none() | ledgers,
)
def test_a_used_number_is_never_a_death(account, network, now, absent_at):
    assert Verdict.DEAD is not verdict(
        now=now, network=network, account=account, absent_at=absent_at
    )
