"""Bytes from anybody, clocks that are finer than a second, and a process that is killed."""

import base64
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from stellar_sdk import Asset, CreateAccount, Payment

from offerhub.sandbox.engine import Malformed, Rejected, Submitted, TryAgainLater
from tests.sandbox.chain import FRIENDBOT, START, Chain, keypair
from tests.sandbox.test_engine_contracts import BOX, Box, arguments, envelope, invocation

ALICE = keypair("alice")


def samples() -> list[bytes]:
    chain = Chain(Box())
    payment = chain.envelope(FRIENDBOT, [Payment(ALICE.public_key, Asset.native(), "1")])
    call = envelope(chain, FRIENDBOT, invocation(BOX, "put", arguments(FRIENDBOT, 1)))
    return [base64.b64decode(payment), base64.b64decode(call)]


@given(
    st.sampled_from(samples()),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=3),
    st.integers(0, 8),
)
def test_damaged_envelopes_are_answered_and_never_applied(
    sample: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    damaged = bytearray(sample)
    for place, value in changes:
        damaged[place % len(damaged)] = value
    text = bytes(damaged[: len(damaged) - cut])
    chain = Chain(Box())

    answer = chain.submit(base64.b64encode(text).decode())

    if text == sample:
        assert isinstance(answer, Submitted)
    else:
        assert isinstance(answer, Malformed | Rejected)


def test_no_envelope_is_applied_once_a_ledger_shows_a_later_second_than_its_bound() -> None:
    """With ledgers of 50 ms: the proof of death relies only on what is shown (docs/spec/stellar-horizon.md §5.3)."""
    chain = Chain(ledger_seconds=0.05)
    bound = int(START.timestamp()) + 1
    create = [CreateAccount(ALICE.public_key, "5")]
    text = chain.envelope(FRIENDBOT, create, max_time=bound)
    step = timedelta(milliseconds=50)
    now = START
    while True:
        now += step
        shown = int(chain.engine.close_ledger(now).ledger.closed_at.timestamp())
        if shown > bound:
            break

    refused = chain.engine.submit(text, now)
    assert isinstance(refused, Rejected)
    assert refused.transaction_code == "tx_too_late"


def test_what_waits_until_the_last_shown_second_is_still_applied() -> None:
    chain = Chain(ledger_seconds=0.05)
    bound = int(START.timestamp()) + 1
    text = chain.envelope(FRIENDBOT, [CreateAccount(ALICE.public_key, "5")], max_time=bound)
    submitted = chain.engine.submit(text, START + timedelta(seconds=0.5))
    assert isinstance(submitted, Submitted)

    closed = chain.engine.close_ledger(START + timedelta(seconds=1.999))

    assert [row.hash for row in closed.transactions] == [submitted.hash]


def test_what_waits_longer_is_never_applied() -> None:
    chain = Chain(ledger_seconds=0.05)
    bound = int(START.timestamp()) + 1
    text = chain.envelope(FRIENDBOT, [CreateAccount(ALICE.public_key, "5")], max_time=bound)
    submitted = chain.engine.submit(text, START + timedelta(seconds=0.5))
    assert isinstance(submitted, Submitted)

    closed = chain.engine.close_ledger(START + timedelta(seconds=2))

    assert closed.dropped == (submitted.hash,)
    assert isinstance(chain.engine.submit(text, START), TryAgainLater)


CLOSES_LEDGERS_FOR_EVER = """
import sys
from pathlib import Path
from stellar_sdk import Asset, Payment
from tests.sandbox.chain import FRIENDBOT, ISSUER, Chain

chain = Chain(path=Path(sys.argv[1]))
while True:
    row = chain.apply(FRIENDBOT, [Payment(ISSUER.public_key, Asset.native(), "1")])
    print(row.ledger, row.hash, chain.engine.latest_ledger().hash, flush=True)
"""


def test_a_killed_process_loses_no_ledger_that_anybody_saw(tmp_path: Path) -> None:
    path = tmp_path / "chain.sqlite"
    with subprocess.Popen(
        [sys.executable, "-c", CLOSES_LEDGERS_FOR_EVER, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(20)]
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines()
    seen = [line.split() for line in lines if line.endswith("\n")]

    engine = Chain(path=path).engine

    assert len(seen) >= 20
    for number, transaction_hash, ledger_hash in seen:
        row, ledger = engine.transaction(transaction_hash), engine.history.ledger(int(number))
        assert row is not None
        assert ledger is not None
        assert (row.successful, ledger.hash) == (True, ledger_hash)
    # State and history were written together: the balance is what the history makes of it.
    friendbot = engine.account(FRIENDBOT.public_key)
    assert friendbot is not None
    count = len(engine.history.transactions)
    assert friendbot.sequence == (1 << 32) + count
    assert friendbot.balance == (10**11 - count) * 10_000_000 - 100 * count
    engine.close()
