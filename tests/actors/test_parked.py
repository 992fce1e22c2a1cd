"""What was parked, settled by an operator's command: once, audited, and booked."""

import pytest
import trio
from attrs import evolve

from actors.parked_commands import DISMISS, GIVE
from offerhub.domain import postings
from offerhub.domain.money import BALANCE_MAX, Money
from offerhub.domain.operator_command import CommandState, OperatorCommand
from offerhub.domain.parked import Parked, ParkedStatus
from offerhub.domain.unit_of_work import UnitOfWork
from offerhub.domain.users import User
from tests.actors.commanding import command
from tests.actors.purchase import Market, open_market

pytestmark = pytest.mark.expect_errors


async def full_user(market: Market) -> tuple[User, Parked]:
    """A user whose balance took no more, and the deposit that was parked for it."""
    user = await market.user("rich", "1.00")
    system = market.machine.system
    context = system.reconciler._core.deciding_as("test")
    most = BALANCE_MAX - Money.parse("3.00")
    transfer = context.transfer(
        postings.deposit(user.id, most, "planted"), reference="planted", cause="test"
    )
    unit = UnitOfWork(at=context.now, trace=context.trace, transfers=(transfer,))
    await market.machine.tree.journal.commit(unit)
    await market.deposit(user, "5.00")
    with trio.fail_after(60):
        while True:
            found = (await market.storage.parked(None, 9, open_only=True)).items
            if found:
                return user, found[0]
            await trio.sleep(0.2)


async def give(market: Market, parked: Parked) -> OperatorCommand:
    return await command(market.storage, GIVE, {"parkedId": parked.id, "note": "called them"})


async def test_what_a_full_balance_could_not_take_is_given_when_there_is_room(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        user, parked = await full_user(market)
        assert (user.id, Money.parse("5.00")) == (parked.user_id, parked.amount)
        refused = await give(market, parked)
        assert refused.refusal is not None
        assert "AMOUNT_OUT_OF_LIMITS" == refused.refusal.code
        context = market.machine.system.reconciler._core.deciding_as("test")
        transfer = context.transfer(
            postings.debit_manually(user.id, Money.parse("10.00")), reference="r", cause="c"
        )
        await market.machine.tree.journal.commit(
            UnitOfWork(at=context.now, trace=context.trace, transfers=(transfer,))
        )
        before = await market.storage.balance(user.id)
        given = await give(market, parked)
        assert CommandState.DONE is given.state
        after = await market.storage.balance(user.id)
        assert before is not None
        assert after is not None
        assert before.available + Money.parse("5.00") == after.available
        settled = await market.storage.load(Parked, parked.id)
        assert settled == evolve(
            parked,
            version=2,
            status=ParkedStatus.GIVEN,
            settled_by="root",
            note="called them",
            updated_at=settled.updated_at if settled is not None else parked.updated_at,
        )
        told = await market.events("balance.credited")
        assert (user.id, "5.00", "stellar_deposit") == tuple(
            told[-1]["payload"][name] for name in ("userId", "amount", "source")
        )
        (entry,) = [e for e in await market.audit("parked.give") if e["result"] == "ok"]
        assert ("cli:root", parked.id) == (entry["actor"], entry["resourceId"])
        again = await give(market, parked)
        assert again.refusal is not None
        assert "INVALID_STATE_TRANSITION" == again.refusal.code
        assert after == await market.storage.balance(user.id)


async def test_a_record_is_dismissed_and_money_is_not(autojump_clock: object) -> None:
    async with open_market() as market:
        _, money = await full_user(market)
        context = market.machine.system.reconciler._core.deciding_as("test")
        record = Parked("prk_record", 1, "stellar", "99", "odd", {}, context.now, context.now)
        await market.machine.tree.journal.commit(
            UnitOfWork(at=context.now, trace=context.trace, writes=(record,))
        )
        refused = await command(market.storage, DISMISS, {"parkedId": money.id})
        assert refused.refusal is not None
        assert "INVALID_STATE_TRANSITION" == refused.refusal.code
        done = await command(market.storage, DISMISS, {"parkedId": record.id})
        assert CommandState.DONE is done.state
        assert 1 == await market.storage.parked_open()
        assert ["cli:root"] == [
            e["actor"] for e in await market.audit("parked.dismiss") if e["result"] == "ok"
        ]


async def test_what_waits_for_an_operator_is_a_concern_until_it_is_settled(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        await full_user(market)
        await market.machine.system.reconciler.reconcile()
        assert "1 parked records wait" in market.machine.system.alarms.on["parked"]
