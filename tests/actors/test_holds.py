"""Holds through the balance actor: serialized with everything else that takes from the user."""

import pytest
import trio

from actors.messages import DeductHold, GiveHold, GiveHoldBack, HoldAfter, HoldMessage, PlaceHold
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.hold import Hold
from offerhub.domain.money import Money
from offerhub.domain.users import User
from tests.actors.purchase import Market, closing, doomed, living, open_market
from tests.simulation.world import Universe


async def ask(market: Market, user: User, message: HoldMessage) -> HoldAfter:
    return await market.machine.system.balances.address(user.id).ask(message)


def place(market: Market, amount: str, reference: str = "case-7") -> PlaceHold:
    return PlaceHold(Money.parse(amount), reference, None, None, market.trace())


async def test_the_parts_of_a_hold_go_where_they_are_sent(autojump_clock: object) -> None:
    async with open_market() as market:
        giver, receiver = await market.user("giver", "100.00"), await market.user("receiver")
        after = await ask(market, giver, place(market, "60.00"))
        for message in (
            GiveHoldBack("case-7", Money.parse("10.00"), market.trace()),
            GiveHold("case-7", Money.parse("20.00"), receiver.id, market.trace()),
            DeductHold("case-7", Money.parse("30.00"), market.trace()),
        ):
            after = await ask(market, giver, message)
            assert after.balance == await market.storage.balance(giver.id)
        assert not after.changed.hold.is_open
        assert "50.00" == await market.available(giver)
        assert "20.00" == await market.available(receiver)
        told = [
            (
                event["eventType"],
                event["payload"].get("source") or event["payload"].get("destination"),
            )
            for event in await market.events(
                "balance.reserved", "balance.released", "balance.debited", "balance.credited"
            )
        ]
        assert [
            ("balance.credited", "stellar_deposit"),
            ("balance.reserved", None),
            ("balance.released", None),
            ("balance.debited", "user"),
            ("balance.credited", "hold_release"),
            ("balance.debited", "deduction"),
        ] == told
        actions = [e["action"] for e in await market.audit() if e["action"].startswith("hold.")]
        assert ["hold.place", "hold.cancel", "hold.release", "hold.deduct"] == actions
        await market.check_books()


async def test_parts_at_one_instant_never_take_more_than_the_hold_has(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        user = await market.user("holder", "100.00")
        await ask(market, user, place(market, "50.00"))
        refusals: list[ErrorCode] = []

        async def take() -> None:
            try:
                await ask(market, user, DeductHold("case-7", Money.parse("20.00"), market.trace()))
            except DomainError as refused:
                refusals.append(refused.code)

        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(take)
        assert [ErrorCode.RESERVE_MISMATCH_AMOUNT] * 2 == refusals
        hold = await market.storage.open_hold(user.id, "case-7")
        assert hold is not None
        assert Money.parse("10.00") == hold.remaining
        await market.check_books()


async def test_one_label_at_one_instant_places_one_hold(autojump_clock: object) -> None:
    async with open_market() as market:
        user = await market.user("holder", "100.00")
        refusals: list[DomainError] = []

        async def one() -> None:
            try:
                await ask(market, user, place(market, "30.00"))
            except DomainError as refused:
                refusals.append(refused)

        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(one)
        assert [ErrorCode.FUNDS_ALREADY_RESERVED] * 2 == [each.code for each in refusals]
        assert "30.00" == await market.reserved(user)


async def test_a_hold_that_was_written_elsewhere_is_decided_on_anew(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_market() as market:
        user = await market.user("holder", "100.00")
        await ask(market, user, place(market, "50.00"))
        old = await market.storage.open_hold(user.id, "case-7")
        await ask(market, user, GiveHoldBack("case-7", Money.parse("10.00"), market.trace()))
        read, reads = market.storage.open_hold, 0

        async def stale_first(user_id: str, reference: str) -> Hold | None:
            nonlocal reads
            reads += 1
            return old if reads == 1 else await read(user_id, reference)

        monkeypatch.setattr(market.storage, "open_hold", stale_first)
        after = await ask(market, user, DeductHold("case-7", Money.parse("40.00"), market.trace()))
        assert 2 == reads
        assert not after.changed.hold.is_open
        await market.check_books()


async def test_a_kill_after_its_commit_leaves_a_hold_whole(autojump_clock: object) -> None:
    universe = Universe(seed=1)
    async with closing(universe):
        async with doomed(universe, "balance.after_hold", skip=1) as market:
            user = await market.user("holder", "100.00")
            await ask(market, user, place(market, "40.00"))
            await ask(market, user, DeductHold("case-7", Money.parse("40.00"), market.trace()))
        async with living(universe) as market:
            assert "0.00" == await market.reserved(user)
            assert await market.storage.open_hold(user.id, "case-7") is None
            await market.check_books()
