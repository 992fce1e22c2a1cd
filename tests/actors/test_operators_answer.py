"""An operator's answer for an unclear operation: stored once, together with its audit entry."""

from datetime import timedelta

import pytest
from trio.testing import MockClock

from actors.operation_commands import RESOLVE
from offerhub.domain.chain import ChainOperation, ChainStatus
from offerhub.domain.operator_command import CommandState, OperatorCommand
from offerhub.domain.resolutions import Outcome, Resolution, resolution_key
from offerhub.domain.unit_of_work import Committed
from storage.memory import MemoryDatabase
from tests.actors.commanding import command
from tests.actors.purchase import Market, open_market
from tests.simulation.world import now
from tests.storage.units import Hands

OURS, EARLIER, FOREIGN = "aa" * 32, "bb" * 32, "cc" * 32


async def unclear(market: Market, **fields: object) -> ChainOperation:
    """An operation that waits for an answer, and an earlier attempt at its step."""
    hands = Hands(now())
    earlier = hands.operation(
        tx_hash=EARLIER, status=ChainStatus.EXPIRED, envelope="AAAA", subject_id="wd_1"
    )
    given = {
        "tx_hash": OURS,
        "status": ChainStatus.SUBMITTED,
        "envelope": "AAAA",
        "attempt": 2,
        "subject_id": "wd_1",
        "unclear_since": now(),
        "not_before": now() + timedelta(days=1),  # no lane of the test works it
    }
    operation = hands.operation(**(given | fields))
    (outcome,) = await market.storage.commit([hands.unit(writes=(earlier, operation))])
    assert isinstance(outcome, Committed)
    return operation


async def answer(
    market: Market, operation_id: str, outcome: Outcome, tx_hash: str | None
) -> OperatorCommand:
    return await command(
        market.storage,
        RESOLVE,
        {"operationId": operation_id, "outcome": outcome.value, "txHash": tx_hash},
    )


@pytest.mark.parametrize("tx_hash", [OURS, EARLIER, None])
async def test_an_answer_is_stored_once_in_the_commit_of_its_audit_entry(
    autojump_clock: MockClock, tx_hash: str | None
) -> None:
    async with open_market() as market:
        operation = await unclear(market)
        outcome = Outcome.NOT_INCLUDED if tx_hash is None else Outcome.INCLUDED
        name = resolution_key(operation.id)
        seen: list[tuple[bool, bool]] = []

        def look(database: MemoryDatabase) -> None:
            audited = any(b"operation.resolve" in entry.canonical for entry in database.audit)
            seen.append((name in database.settings, audited))

        market.universe.database.on_commit = look
        ended = await answer(market, operation.id, outcome, tx_hash)
        assert CommandState.DONE is ended.state
        assert {(False, False), (True, True)} == set(seen)
        stored = await market.storage.setting(name)
        assert stored is not None
        assert Resolution(outcome, tx_hash, "root") == Resolution.decoded(stored)
        (entry,) = await market.audit("operation.resolve")
        assert "cli:root" == entry["actor"]
        assert {"outcome": outcome.value, "transactionHash": tx_hash} == entry["after"]
        again = await answer(market, operation.id, Outcome.NOT_INCLUDED, None)
        assert again.refusal is not None
        assert "already been answered" in again.refusal.message
        assert stored == await market.storage.setting(name)


@pytest.mark.parametrize(
    ("fields", "tx_hash"),
    [
        ({"unclear_since": None}, OURS),
        ({"status": ChainStatus.CONFIRMED}, OURS),
        ({}, FOREIGN),
    ],
)
async def test_no_answer_is_taken_for_what_nobody_asks_about(
    autojump_clock: MockClock, fields: dict[str, object], tx_hash: str
) -> None:
    async with open_market() as market:
        operation = await unclear(market, **fields)
        refused = await answer(market, operation.id, Outcome.INCLUDED, tx_hash)
        assert CommandState.REFUSED is refused.state
        assert None is await market.storage.setting(resolution_key(operation.id))
        missing = await answer(market, "cop_missing", Outcome.INCLUDED, OURS)
        assert missing.refusal is not None
        assert "NOT_FOUND" == missing.refusal.code
