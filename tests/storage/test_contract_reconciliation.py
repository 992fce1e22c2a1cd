"""The contract of what is held against the chain, the same for the twin and for PostgreSQL."""

from attrs import evolve

from offerhub.domain import postings
from offerhub.domain.chain import ChainStatus
from offerhub.domain.money import Money
from offerhub.domain.order import Escrow, EscrowStatus, Operation, OrderStatus, Process
from offerhub.domain.parked import ParkedStatus
from offerhub.domain.reconciliation import WalletClaims
from offerhub.domain.steps import FUND
from offerhub.domain.users import WalletRole, WalletStatus
from offerhub.domain.withdrawal import Payment, WithdrawalStatus
from storage.port import Storage
from tests.storage.test_contract import commit, new_user
from tests.storage.units import TRACE, Hands


def usdc(text: str) -> Money:
    return Money.from_decimal_string(text)


async def test_claims_are_what_a_user_has_anywhere(storage: Storage, hands: Hands) -> None:
    user, other = await new_user(storage, hands, "100"), await new_user(storage, hands, "7")
    await commit(storage, hands.reserve(user.id, "20.00"))
    five, three = hands.withdrawal(user_id=user.id), hands.withdrawal(user_id=user.id)
    done = hands.withdrawal(user_id=user.id, status=WithdrawalStatus.COMPLETED)
    three = evolve(three, amount=usdc("3"), status=WithdrawalStatus.COMMITTED)
    money = hands.parked(user_id=user.id, amount=usdc("2"))
    given = hands.parked(user_id=user.id, amount=usdc("9"), status=ParkedStatus.GIVEN)
    movements = (
        postings.create_withdrawal(user.id, usdc("8")),
        postings.park(user.id, usdc("2"), "tx"),
        postings.debit_manually(user.id, usdc("1")),
    )
    await commit(
        storage,
        hands.unit(
            writes=(five, three, done, money, given, hands.parked()),
            transfers=tuple(hands.transfer(movement) for movement in movements),
        ),
    )
    expected = WalletClaims(user.id, usdc("71"), usdc("20"), -usdc("1"), usdc("8"), usdc("2"))
    assert {
        user.id: expected,
        other.id: WalletClaims(other.id, usdc("7"), Money(0), Money(0)),
    } == await storage.wallet_claims([user.id, other.id, "usr_none"])
    assert usdc("102") == expected.must_hold
    books = await storage.books()
    assert expected.must_hold == books.holding(f"wallet/{user.id}")


async def test_active_wallets_come_in_the_order_of_their_addresses(
    storage: Storage, hands: Hands
) -> None:
    names = ["GB", "Ga", "GA", "G9"]
    active = [
        hands.wallet(public_key=name, status=WalletStatus.ACTIVE, user_id=f"usr_{name}")
        for name in names
    ]
    others = (
        hands.wallet(public_key="GC"),
        hands.wallet(public_key="GD", status=WalletStatus.ACTIVE, role=WalletRole.CHANNEL),
    )
    await commit(storage, hands.unit(writes=(*active, *others)))
    first = await storage.active_wallets("", 3)
    assert ["G9", "GA", "GB"] == [wallet.public_key for wallet in first]
    assert ["Ga"] == [wallet.public_key for wallet in await storage.active_wallets("GB", 3)]
    assert [] == list(await storage.active_wallets("Ga", 3))


def escrow(contract_id: str | None, hands: Hands) -> Escrow:
    return Escrow("esc_1", EscrowStatus.FUNDED, hands.now, contract_id=contract_id)


async def test_contracts_are_those_of_open_orders_or_of_closed_ones(
    storage: Storage, hands: Hands
) -> None:
    without = hands.order()
    planned = hands.order(escrow=escrow(None, hands))
    held = [hands.order(escrow=escrow(f"C{n}", hands)) for n in range(3)]
    paid = hands.order(escrow=escrow("C9", hands), status=OrderStatus.CLOSED)
    await commit(storage, hands.unit(writes=(without, planned, held[0], paid, *held[1:])))
    first = await storage.contracts(0, 2, closed=False)
    assert held[:2] == [each.order for each in first]
    rest = await storage.contracts(first[-1].place, 2, closed=False)
    assert held[2:] == [each.order for each in rest]
    assert [paid] == [each.order for each in await storage.contracts(0, 9, closed=True)]


async def test_unbooked_is_what_something_on_its_way_waits_for(
    storage: Storage, hands: Hands
) -> None:
    signed = {"status": ChainStatus.SUBMITTED, "envelope": "AAAA", "sequence": 1, "max_time": 9}
    funding = hands.operation(tx_hash="h1", **signed)
    earlier = hands.operation(tx_hash="h0", status=ChainStatus.CONFIRMED)
    planned = hands.operation()
    paying = hands.operation(tx_hash="h2", status=ChainStatus.CONFIRMED)
    settling = hands.operation(tx_hash="h3", **signed)

    def process(operation_id: str) -> Process:
        return Process(Operation.FUND, (FUND,), 0, 1, operation_id, hands.now, TRACE)

    writes = (
        hands.order(buyer_id="usr_1", process=process(funding.id)),
        hands.order(buyer_id="usr_1", process=process(planned.id)),
        hands.withdrawal(
            user_id="usr_2",
            status=WithdrawalStatus.COMMITTED,
            payment=Payment(paying.id, 1, hands.now, TRACE),
        ),
        hands.settlement("usr_3", "1", operation_id=settling.id),
        hands.settlement("usr_4", "1", operation_id=settling.id),
    )
    operations = (earlier, funding, planned, paying, settling)
    await commit(storage, hands.unit(writes=(*writes, *operations)))

    async def hashes(user_id: str | None, limit: int = 9) -> list[str | None]:
        return [each.tx_hash for each in await storage.unbooked_operations(user_id, limit)]

    assert ["h1"] == await hashes("usr_1") == await hashes("usr_1", 1)
    assert ["h1"] == await hashes("usr_s")  # of the seller, too
    assert ["h2"] == await hashes("usr_2")
    assert ["h3"] == await hashes("usr_4")
    assert ["h1", "h2", "h3"] == await hashes(None)
    assert [] == await hashes("usr_9")


async def test_parked_records_are_listed_and_those_open_counted(
    storage: Storage, hands: Hands
) -> None:
    records = [hands.parked(reference=f"op:{n}") for n in range(3)]
    settled = hands.parked(status=ParkedStatus.DISMISSED)
    await commit(storage, hands.unit(writes=(*records, settled)))
    assert 3 == await storage.parked_open()
    first = await storage.parked(None, 2, open_only=True)
    assert (records[:0:-1], records[1].id) == ([*first.items], first.next_cursor)
    second = await storage.parked(first.next_cursor, 2, open_only=True)
    assert (records[:1], None) == ([*second.items], second.next_cursor)
    every = await storage.parked(None, 9, open_only=False)
    assert settled == every.items[0]
