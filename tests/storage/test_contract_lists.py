"""Reads, the same in the twin and in PostgreSQL: lists, lookups, what is to be woken."""

from datetime import datetime, timedelta

import pytest
from attrs import evolve

from offerhub.domain import postings
from offerhub.domain.chain import ChainOperation, ChainStatus, Subject
from offerhub.domain.dispute import Dispute, DisputeStatus, Party, Ruling, Verdict
from offerhub.domain.due import Due, DueKind
from offerhub.domain.intents import TrustUsdc
from offerhub.domain.ledger import TREASURY
from offerhub.domain.money import Money
from offerhub.domain.order import Escrow, EscrowStatus, Operation, Order, OrderStatus, Process
from offerhub.domain.steps import DEPLOY
from offerhub.domain.unit_of_work import Entity, RefusalKind, Refused
from offerhub.domain.users import WalletRole, WalletStatus
from offerhub.domain.withdrawal import Payment, Withdrawal, WithdrawalStatus
from storage.port import DisputeFilter, OrderFilter, Storage, UnknownCursor, UserFilter
from tests.storage.test_contract import commit, new_user
from tests.storage.units import TRACE, Hands


async def put(storage: Storage, hands: Hands, *entities: Entity) -> None:
    await commit(storage, hands.unit(writes=entities))


async def test_orders_are_listed_newest_first_and_paged_by_the_last_id(
    storage: Storage, hands: Hands
) -> None:
    orders = [hands.order() for _ in range(7)]
    await put(storage, hands, *orders[:3])
    await storage.commit([hands.unit(writes=(order,)) for order in orders[3:]])
    await put(storage, hands, evolve(orders[4], version=2))
    seen: list[str] = []
    cursor: str | None = None
    sizes = []
    while True:
        page = await storage.orders(OrderFilter(), cursor, 3)
        seen += [order.id for order in page.items]
        sizes.append(len(page.items))
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [order.id for order in orders[::-1]]
    assert sizes == [3, 3, 1]
    exactly = await storage.orders(OrderFilter(), None, 7)
    assert exactly.next_cursor is None
    with pytest.raises(UnknownCursor):
        await storage.orders(OrderFilter(), "ord_none", 3)


async def test_filters_of_orders_combine(storage: Storage, hands: Hands) -> None:
    first = hands.order(buyer_id="usr_1", seller_id="usr_2", client_order_ref="R1")
    hands.pass_time(minutes=1)
    second = hands.order(buyer_id="usr_1", seller_id="usr_3", status=OrderStatus.CLOSED)
    hands.pass_time(minutes=1)
    third = hands.order(buyer_id="usr_3", seller_id="usr_2", status=OrderStatus.CLOSED)
    await put(storage, hands, first, second, third)

    async def found(**where) -> list[str]:
        return [order.id for order in (await storage.orders(OrderFilter(**where), None, 9)).items]

    assert await found(buyer_id="usr_1") == [second.id, first.id]
    assert await found(seller_id="usr_2") == [third.id, first.id]
    assert await found(status="CLOSED", buyer_id="usr_1") == [second.id]
    assert await found(client_order_ref="R1") == [first.id]
    assert await found(created_after=first.created_at) == [third.id, second.id]
    between = {"created_after": first.created_at, "created_before": third.created_at}
    assert await found(**between) == [second.id]
    assert await found(status="DISPUTED") == []


async def test_a_cursor_that_left_the_filter_still_pages(storage: Storage, hands: Hands) -> None:
    orders = [hands.order() for _ in range(3)]
    await put(storage, hands, *orders)
    where = OrderFilter(status="ORDER_CREATED")
    page = await storage.orders(where, None, 1)
    await put(storage, hands, evolve(orders[2], version=2, status=OrderStatus.CLOSED))
    rest = await storage.orders(where, page.next_cursor, 5)
    assert [order.id for order in rest.items] == [orders[1].id, orders[0].id]


async def test_users_are_found_by_what_the_marketplace_knows(
    storage: Storage, hands: Hands
) -> None:
    anna, ben = hands.user(email="anna@example.org"), hands.user()
    await put(storage, hands, anna, ben)
    assert await storage.user_by_external_id(ben.external_user_id) == ben
    assert await storage.user_by_external_id("nobody") is None
    assert (await storage.users(UserFilter(), None, 5)).items == (ben, anna)
    assert (await storage.users(UserFilter(email="anna@example.org"), None, 5)).items == (anna,)
    assert (await storage.users(UserFilter(email="x"), None, 5)).items == ()
    by_id = UserFilter(external_user_id=ben.external_user_id)
    assert (await storage.users(by_id, None, 5)).items == (ben,)


async def test_orders_with_a_process_are_to_be_woken(storage: Storage, hands: Hands) -> None:
    process = Process(Operation.ESCROW, (DEPLOY,), 0, 1, "chn_1", hands.now, TRACE)
    busy, quiet = hands.order(process=process), hands.order()
    await put(storage, hands, busy, quiet)
    (found,) = await storage.in_flight(Order, 0, 10)
    assert (busy.id, False) == (found.id, found.working)
    assert [] == list(await storage.in_flight(Order, found.place, 10))
    await put(storage, hands, hands.operation(subject_id=busy.id))
    assert [True] == [each.working for each in await storage.in_flight(Order, 0, 10)]
    await put(storage, hands, evolve(busy, version=2, process=None))
    assert [] == list(await storage.in_flight(Order, 0, 10))


async def test_an_order_is_found_by_its_contract(storage: Storage, hands: Hands) -> None:
    escrow = Escrow("esc_1", EscrowStatus.CREATING, hands.now)
    order = hands.order(escrow=escrow)
    await put(storage, hands, order)
    assert await storage.order_ids_by_contract(["CABC"]) == {}
    deployed = evolve(order, version=2, escrow=evolve(escrow, contract_id="CABC"))
    await put(storage, hands, deployed)
    assert await storage.order_ids_by_contract(["CXYZ", "CABC"]) == {"CABC": order.id}


async def test_disputes_are_listed_by_order_status_and_who_opened_them(
    storage: Storage, hands: Hands
) -> None:
    first = hands.dispute("ord_1")
    second = hands.dispute("ord_2", opened_by=Party.SELLER)
    await put(storage, hands, first, second)
    ruling = Ruling(Verdict.SPLIT, Money(5), Money(3), "half done")
    resolved = evolve(first, version=2, status=DisputeStatus.RESOLVED, ruling=ruling)
    await put(storage, hands, resolved)

    async def found(limit: int = 5, cursor: str | None = None, **where) -> list[Dispute]:
        return list((await storage.disputes(DisputeFilter(**where), cursor, limit)).items)

    assert [second, resolved] == await found()
    assert [resolved] == await found(order_id="ord_1")
    assert [second] == await found(opened_by="SELLER")
    assert [resolved] == await found(status="RESOLVED")
    assert [second] == await found(status="OPEN", opened_by="SELLER")
    assert [] == await found(status="UNDER_REVIEW")
    assert [] == await found(order_id="ord_2", opened_by="BUYER")
    page = await storage.disputes(DisputeFilter(), None, 1)
    assert ((second,), second.id) == (page.items, page.next_cursor)
    assert [resolved] == await found(cursor=second.id)
    with pytest.raises(UnknownCursor):
        await found(cursor="dsp_none")


async def test_an_order_has_one_dispute(storage: Storage, hands: Hands) -> None:
    await put(storage, hands, hands.dispute("ord_1"))
    (outcome,) = await storage.commit([hands.unit(writes=(hands.dispute("ord_1"),))])
    assert Refused(RefusalKind.TAKEN, "order_id") == outcome


async def test_withdrawals_are_in_flight_from_their_commit_to_their_end(
    storage: Storage, hands: Hands
) -> None:
    created = hands.withdrawal()
    payment = Payment("chn_1", 1, hands.now, TRACE)
    committed = hands.withdrawal(
        user_id="usr_2", status=WithdrawalStatus.COMMITTED, payment=payment
    )
    await put(storage, hands, created, committed)
    assert [committed.id] == [each.id for each in await storage.in_flight(Withdrawal, 0, 10)]
    assert (await storage.withdrawals(None, None, 5)).items == (committed, created)
    assert (await storage.withdrawals("usr_2", None, 5)).items == (committed,)
    with pytest.raises(UnknownCursor):
        await storage.withdrawals("usr_2", created.id, 5)
    done = evolve(committed, version=2, status=WithdrawalStatus.COMPLETED, payment=None)
    await put(storage, hands, done)
    assert [] == list(await storage.in_flight(Withdrawal, 0, 10))


async def test_wallets_are_found_by_address_and_by_what_they_wait_for(
    storage: Storage, hands: Hands
) -> None:
    user, channel = hands.wallet(), hands.wallet(role=WalletRole.CHANNEL)
    platform = hands.wallet(role=WalletRole.PLATFORM)
    await put(storage, hands, user, channel, platform)
    addresses = [user.public_key, channel.public_key, "GFOREIGN"]
    found = await storage.wallets_by_address(addresses)
    assert found == {user.public_key: user, channel.public_key: channel}
    assert await storage.wallets_of_platform() == [channel, platform]
    assert await storage.wallets_activating() == [user]
    await put(storage, hands, evolve(user, version=2, status=WalletStatus.ACTIVE))
    assert await storage.wallets_activating() == []


async def test_open_operations_are_listed_until_they_have_ended(
    storage: Storage, hands: Hands
) -> None:
    deploy = hands.operation(tx_hash="aa", status=ChainStatus.SIGNED, envelope="AAAA")
    pay = hands.operation(subject=Subject.WITHDRAWAL, intent=TrustUsdc("GOTHER"))
    await put(storage, hands, deploy, pay)
    assert await storage.open_operations() == [deploy, pay]
    assert await storage.open_operations(subject=Subject.WITHDRAWAL) == [pay]
    assert await storage.open_operations(source="GSOURCE") == [deploy]
    assert await storage.open_operations(subject=Subject.ORDER, source="GOTHER") == []
    confirmed = evolve(deploy, version=2, status=ChainStatus.CONFIRMED)
    await put(storage, hands, confirmed)
    assert await storage.open_operations() == [pay]
    kept = evolve(confirmed, envelope=None)
    assert await storage.operations_by_hash(["aa", "bb"]) == {"aa": kept}
    assert await storage.operations_of(deploy.subject_id) == [kept, pay]
    assert await storage.operations_of("ord_other") == []


async def test_a_users_ledger_shows_the_transfers_that_touch_the_user(
    storage: Storage, hands: Hands
) -> None:
    user, other = await new_user(storage, hands), await new_user(storage, hands)
    units = [hands.deposit(user.id, "9.0000001"), hands.reserve(user.id, "4.00")]
    await storage.commit([*units, hands.deposit(other.id, "1.0")])
    funding = postings.fund_escrow("ord_1", user.id, Money.parse("4.00"), "tx:2")
    units.append(hands.unit(transfers=(hands.transfer(funding),)))
    await commit(storage, units[-1])
    due = postings.top_up(user.id, Money.parse("1.00"), "airtm")
    units.append(hands.unit(transfers=(hands.transfer(due),)))
    await commit(storage, units[-1])
    expected = [unit.transfers[0] for unit in units][::-1]
    page = await storage.user_ledger([user.id], None, 3)
    assert [transfer.id for transfer in page.items] == [transfer.id for transfer in expected[:3]]
    for stored, transfer in zip(page.items, expected, strict=False):
        assert stored.kind == transfer.kind.value
        assert stored.postings == transfer.postings
        assert stored.holdings == transfer.holdings
        assert (stored.reference, stored.cause) == (transfer.reference, transfer.cause)
        assert stored.created_at == hands.now
    rest = await storage.user_ledger([user.id], page.next_cursor, 3)
    assert [transfer.id for transfer in rest.items] == [expected[3].id]
    assert rest.next_cursor is None
    with pytest.raises(UnknownCursor):
        await storage.user_ledger([other.id], expected[0].id, 3)
    assert (await storage.user_ledger(["usr_none"], None, 3)).items == ()


async def test_the_ledger_of_several_owners_is_one_list_without_repeats(
    storage: Storage, hands: Hands
) -> None:
    """The platform's user shows its own transfers and the treasury's (docs/spec/domain.md §1)."""
    platform, user = await new_user(storage, hands), await new_user(storage, hands)
    ten = Money.parse("10.00")
    movements = [
        postings.deposit_to_treasury(ten, "tx:1"),
        postings.create_platform_withdrawal(platform.id, ten),
        postings.complete_platform_withdrawal(platform.id, ten, "tx:2"),
        postings.top_up(user.id, ten, "airtm"),
    ]
    ids = []
    for movement in movements:
        unit = hands.unit(transfers=(hands.transfer(movement),))
        await commit(storage, unit)
        ids.append(unit.transfers[0].id)
    await commit(storage, hands.deposit(user.id, "1.0"))
    owners = [platform.id, TREASURY]
    first = await storage.user_ledger(owners, None, 3)
    assert [each.id for each in first.items] == ids[:0:-1]
    rest = await storage.user_ledger(owners, first.next_cursor, 3)
    assert ([each.id for each in rest.items], rest.next_cursor) == ([ids[0]], None)


async def test_keys_and_tokens_are_found_by_their_digest(storage: Storage, hands: Hands) -> None:
    keys = [hands.api_key() for _ in range(3)]
    token = hands.api_token(api_key_id=keys[0].id)
    await put(storage, hands, *keys, token)
    assert await storage.api_key_by_digest(keys[1].digest) == keys[1]
    assert await storage.api_key_by_digest(token.digest) is None
    assert await storage.api_token_by_digest(token.digest) == token
    revoked = evolve(keys[1], version=2, revoked_at=hands.now + timedelta(seconds=1))
    await put(storage, hands, revoked)
    page = await storage.api_keys(None, 2)
    assert page.items == (keys[2], revoked)
    assert (await storage.api_keys(page.next_cursor, 2)).items == (keys[0],)
    with pytest.raises(UnknownCursor):
        await storage.api_keys("key_none", 2)


async def test_orders_are_listed_by_their_moment_though_commits_overtook_each_other(
    storage: Storage, hands: Hands
) -> None:
    early = hands.order()
    hands.pass_time(seconds=1)
    late, twin = hands.order(), hands.order()
    for order in (late, early, twin):
        await put(storage, hands, order)
    first = await storage.orders(OrderFilter(), None, 2)
    assert [order.id for order in first.items] == [twin.id, late.id]
    rest = await storage.orders(OrderFilter(), first.next_cursor, 2)
    assert [order.id for order in rest.items] == [early.id]


async def test_an_envelope_leaves_its_operation_at_the_end_and_is_found_by_its_hash(
    storage: Storage, hands: Hands
) -> None:
    operation = hands.operation()
    await put(storage, hands, operation)
    signed = evolve(
        operation, version=2, status=ChainStatus.SIGNED, tx_hash="h1", envelope="AAAA", max_time=1
    )
    await put(storage, hands, signed)
    assert await storage.load(ChainOperation, signed.id) == signed
    assert await storage.envelope("h1") == "AAAA"
    ended = evolve(signed, version=3, status=ChainStatus.CONFIRMED, ledger=7)
    await put(storage, hands, ended)
    assert await storage.load(ChainOperation, ended.id) == evolve(ended, envelope=None)
    assert await storage.envelope("h1") == "AAAA"
    await put(storage, hands, evolve(ended, version=4, contract_id="C1"))
    assert await storage.envelope("h1") == "AAAA"
    assert await storage.envelope("h2") is None


async def test_a_lane_reads_what_does_not_pause_signed_ones_first(
    storage: Storage, hands: Hands
) -> None:
    soon = hands.now + timedelta(seconds=5)
    paused, first, second, other = (
        hands.operation(not_before=soon),
        hands.operation(),
        hands.operation(),
        hands.operation(intent=TrustUsdc("GOTHER")),
    )
    signed = hands.operation(status=ChainStatus.SIGNED, tx_hash="aa")
    ended = hands.operation(status=ChainStatus.FAILED)
    await put(storage, hands, paused, first, second, other, signed, ended)

    async def of_lane(now: datetime, limit: int = 10) -> list[str]:
        found = await storage.next_operations("GSOURCE", now, limit)
        return [each.id for each in found]

    assert [signed.id, first.id, second.id] == await of_lane(hands.now)
    assert [signed.id] == await of_lane(hands.now, limit=1)
    assert [signed.id, paused.id, first.id, second.id] == await of_lane(soon)
    assert [] == list(await storage.next_operations("GNOBODY", hands.now, 10))


async def test_lanes_with_work_are_read_oldest_first_page_by_page(
    storage: Storage, hands: Hands
) -> None:
    rows = [hands.operation(intent=TrustUsdc(f"G{each}")) for each in range(5)]
    rows[2] = evolve(rows[2], status=ChainStatus.CONFIRMED)
    await put(storage, hands, *rows)
    first = await storage.open_lanes(0, 2)
    assert ["G0", "G1"] == [each.source for each in first]
    rest = await storage.open_lanes(first[-1].place, 10)
    assert ["G3", "G4"] == [each.source for each in rest]


async def test_the_pause_of_an_operation_comes_due_for_its_lane(
    storage: Storage, hands: Hands
) -> None:
    at = hands.now + timedelta(seconds=5)
    operation = hands.operation(not_before=at)
    await put(storage, hands, operation)
    assert [Due(at, operation.id, DueKind.LANE, "GSOURCE")] == list(await storage.due(None, 10))
    ended = evolve(operation, version=2, status=ChainStatus.FAILED)
    await put(storage, hands, ended)
    assert [] == list(await storage.due(None, 10))


async def test_the_last_use_of_a_key_never_goes_back(storage: Storage, hands: Hands) -> None:
    first = hands.now
    await storage.note_key_uses({"key_1": first, "key_2": first})
    later = first + timedelta(seconds=15)
    await storage.note_key_uses({"key_1": later, "key_2": first - timedelta(seconds=1)})

    found = await storage.key_uses(["key_1", "key_2", "key_3"])

    assert {"key_1": later, "key_2": first} == found
