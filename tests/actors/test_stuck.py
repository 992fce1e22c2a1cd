"""What `offerhub orders stuck` lists: what does not come to an end by itself."""

from datetime import timedelta
from typing import Any

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from actors.envelope_follower import EnvelopeFollower
from actors.order_commands import ACCEPT_PAYOUT
from offerhub.cli.orders import stuck
from offerhub.domain.chain import ChainOperation, PayoutSeen
from offerhub.domain.money import Money
from offerhub.domain.operator_command import CommandState
from offerhub.domain.order import OrderStatus
from offerhub.domain.unit_of_work import Committed, UnitOfWork
from offerhub.sandbox.fault_plan import FaultKind
from tests.actors.commanding import command
from tests.actors.purchase import BUILD, WAIT_S, Market, open_market
from tests.simulation.world import now

PATIENCE = timedelta(minutes=30)


async def open_operation(market: Market) -> ChainOperation:
    with trio.fail_after(WAIT_S):
        while True:
            for operation in await market.storage.open_operations():
                if operation.outages > 0:
                    return operation
            await trio.sleep(0.1)


async def change(market: Market, operation: ChainOperation, **fields: Any) -> None:
    after = evolve(operation, version=operation.version + 1, **fields)
    unit = UnitOfWork(at=now(), trace=market.trace(), writes=(after,))
    (outcome,) = await market.storage.commit([unit])
    assert isinstance(outcome, Committed)


async def test_an_order_is_stuck_when_its_step_is_unclear_fails_on_and_on_or_is_old(
    autojump_clock: MockClock,
) -> None:
    async with open_market() as market:
        order = await market.reserved_order()
        assert [] == await stuck(market.storage, now(), PATIENCE)
        market.fault(FaultKind.ERROR_BEFORE, BUILD, times=100)
        await market.start_escrow(order)
        operation = await open_operation(market)
        assert [] == await stuck(market.storage, now(), PATIENCE)
        (old,) = await stuck(market.storage, now() + PATIENCE, PATIENCE)
        assert (order.id, "open for long") == (old["orderId"], old["reason"])
        assert f"offerhub orders retry {order.id}" == old["command"]
        paused: dict[str, Any] = {"not_before": now() + timedelta(days=1)}
        await change(market, await latest(market, operation), outages=10, **paused)
        (failing,) = await stuck(market.storage, now(), PATIENCE)
        assert "keeps failing" == failing["reason"]
        await change(market, await latest(market, operation), unclear_since=now(), **paused)
        (unclear,) = await stuck(market.storage, now(), PATIENCE)
        assert "unclear" == unclear["reason"]
        assert f"offerhub operations resolve {operation.id}" == unclear["command"]


async def latest(market: Market, operation: ChainOperation) -> ChainOperation:
    found = await market.storage.load(ChainOperation, operation.id)
    assert found is not None
    return found


@pytest.mark.expect_errors
async def test_a_payout_that_nothing_explains_waits_until_an_operator_accepts_it(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = EnvelopeFollower._payouts

    async def with_more(self: EnvelopeFollower, tx_hash: str) -> tuple[PayoutSeen, ...]:
        seen = await read(self, tx_hash)
        return (*seen, PayoutSeen(seen[0].source, "GSTRANGER", Money(7))) if seen else seen

    monkeypatch.setattr(EnvelopeFollower, "_payouts", with_more)
    async with open_market() as market:
        order = await market.funded_order()
        early = await command(market.storage, ACCEPT_PAYOUT, {"orderId": order.id})
        assert early.refusal is not None
        assert "INVALID_STATE_TRANSITION" == early.refusal.code
        await market.start_release(order)
        await trio.sleep(120)
        (row,) = await stuck(market.storage, now() + PATIENCE, PATIENCE)
        assert (order.id, f"offerhub orders accept-payout {order.id}", "release") == (
            row["orderId"],
            row["command"],
            row["step"],
        )
        assert "its contract paid 80.0000007 out, of 80.0000000" == row["lastError"]
        assert OrderStatus.RELEASE_REQUESTED is (await market.stored(order)).status
        done = await command(market.storage, ACCEPT_PAYOUT, {"orderId": order.id})
        assert CommandState.DONE is done.state
        with trio.fail_after(WAIT_S):
            while (await market.stored(order)).status is not OrderStatus.CLOSED:
                await trio.sleep(0.5)
        (entry,) = await market.audit("order.accept_payout")
        assert ("alarm", "cli:root", order.id) == (
            entry["result"],
            entry["actor"],
            entry["resourceId"],
        )
        assert [] == await stuck(market.storage, now() + PATIENCE, PATIENCE)
        await market.check_books()
