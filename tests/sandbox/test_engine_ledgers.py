"""Closed ledgers: their times, headers and results, and that a kill loses none of them."""

import sqlite3
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from stellar_sdk import Asset, CreateAccount, Payment, xdr
from stellar_sdk.sep.toid import TOID

from offerhub.sandbox.engine import Engine
from offerhub.sandbox.engine.codes import (
    _GENERIC,
    _OF_TYPE,
    TRANSACTION_CODES,
    operation_result,
    transaction_result,
)
from offerhub.sandbox.engine.header import header_bytes, header_hash
from offerhub.sandbox.engine.toid import after_ledger, toid
from offerhub.sandbox.store import OtherNetwork
from tests.sandbox.chain import (
    FRIENDBOT,
    ISSUER,
    START,
    Chain,
    NoContracts,
    keypair,
)

ALICE = keypair("alice")


def test_close_times_strictly_increase_whatever_the_clock_does() -> None:
    chain = Chain()
    times = [START, START + timedelta(milliseconds=50), START - timedelta(hours=1), START]
    closed = [chain.engine.close_ledger(time).ledger for time in times]

    assert all(before.closed_at < after.closed_at for before, after in pairwise(closed))
    assert [row.sequence for row in closed] == [2, 3, 4, 5]


def test_a_header_is_real_xdr_and_its_hash_chains() -> None:
    chain = Chain()
    chain.apply(FRIENDBOT, [CreateAccount(ALICE.public_key, "5")])
    latest = chain.engine.latest_ledger()
    previous = chain.engine.history.ledger(latest.sequence - 1)
    assert previous is not None

    packed = header_bytes(latest)
    header = xdr.LedgerHeader.from_xdr_bytes(packed)

    assert header.ledger_seq.uint32 == latest.sequence
    assert header.previous_ledger_hash.hash.hex() == previous.hash
    assert header.scp_value.close_time.time_point.uint64 == int(latest.closed_at.timestamp())
    assert header.fee_pool.int64 == latest.fee_pool == 100
    assert header_hash(packed) == latest.hash


@pytest.mark.parametrize("code", TRANSACTION_CODES)
def test_every_transaction_code_is_real_result_xdr(code: str) -> None:
    result = xdr.TransactionResult.from_xdr_bytes(transaction_result(123, code))

    assert result.fee_charged.int64 == 123
    assert result.result.code.value == TRANSACTION_CODES[code]


@pytest.mark.parametrize(
    ("kind", "code"), [(kind, code) for kind, codes in _OF_TYPE.items() for code in codes]
)
def test_every_operation_code_is_real_result_xdr(kind: int, code: str) -> None:
    result = xdr.OperationResult.from_xdr_bytes(operation_result(kind, code))

    assert result.tr is not None
    assert result.tr.type.value == kind


@pytest.mark.parametrize("code", _GENERIC)
def test_every_generic_operation_code_is_real_result_xdr(code: str) -> None:
    result = xdr.OperationResult.from_xdr_bytes(operation_result(1, code))

    assert result.code.value == _GENERIC[code]


def test_toids_are_those_of_the_sdk() -> None:
    assert toid(7, 3, 2) == TOID(7, 3, 2).to_int64()
    assert after_ledger(7) == TOID.after_ledger(7).to_int64()


def test_a_chain_from_a_file_is_the_chain_that_was_written(tmp_path: Path) -> None:
    chain = Chain(path=tmp_path / "chain.sqlite")
    chain.apply(FRIENDBOT, [CreateAccount(ALICE.public_key, "5")])
    chain.apply(ALICE, [Payment(keypair("x").public_key, Asset.native(), "1")])
    history = chain.engine.history

    # The first one is not even closed: that is what a kill leaves.
    again = Chain(path=tmp_path / "chain.sqlite")

    assert again.engine.latest_ledger() == chain.engine.latest_ledger()
    assert again.engine.account(ALICE.public_key) == chain.engine.account(ALICE.public_key)
    rows = [
        (row.hash, row.result_xdr, row.record, row.closed_at, again.engine.transaction(row.hash))
        for row in history.transactions.ascending(0, after_ledger(100))
    ]
    assert len(rows) == 2
    for digest, result, record, closed_at, stored in rows:
        assert stored is not None
        assert (stored.hash, stored.result_xdr, stored.record, stored.closed_at) == (
            digest,
            result,
            record,
            closed_at,
        )
    operations = again.engine.history.operations.ascending(0, after_ledger(100))
    assert [row.type for row in operations] == ["create_account", "payment"]
    again.now = chain.now
    assert again.apply(FRIENDBOT, [CreateAccount(keypair("y").public_key, "5")]).successful
    chain.engine.close()
    again.engine.close()


def test_a_ledger_that_cannot_be_written_was_never_closed(tmp_path: Path) -> None:
    path = tmp_path / "chain.sqlite"
    chain = Chain(path=path)
    other = sqlite3.connect(path)
    other.execute("DROP TABLE accounts")
    other.close()
    latest = chain.engine.latest_ledger()
    chain.submit(chain.envelope(FRIENDBOT, [CreateAccount(ALICE.public_key, "5")]))

    with pytest.raises(sqlite3.Error):
        chain.close()

    assert latest == chain.engine.latest_ledger()
    assert chain.engine.account(ALICE.public_key) is None
    chain.engine.close()


def test_the_file_of_another_network_is_refused(tmp_path: Path) -> None:
    Chain(path=tmp_path / "chain.sqlite").engine.close()

    with pytest.raises(OtherNetwork):
        Engine(
            passphrase="another",
            friendbot=FRIENDBOT.public_key,
            issuer=ISSUER.public_key,
            runtime=NoContracts(),
            genesis_time=START,
            path=tmp_path / "chain.sqlite",
        )


def test_an_account_can_be_seen_as_it_was_some_ledgers_ago() -> None:
    chain = Chain()
    first = chain.engine.latest_ledger().sequence
    row = chain.apply(FRIENDBOT, [CreateAccount(ALICE.public_key, "5")])
    chain.apply(ALICE, [Payment(FRIENDBOT.public_key, Asset.native(), "1")])

    assert chain.engine.account_at(ALICE.public_key, first) is None
    then = chain.engine.account_at(ALICE.public_key, row.ledger)
    assert then is not None
    assert then.balance == 50_000_000
    assert chain.engine.account_at(ALICE.public_key, row.ledger + 1) == chain.engine.account(
        ALICE.public_key
    )
