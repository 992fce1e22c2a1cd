"""What a page of the network's payments means for the books (docs/spec/domain.md §5)."""

import pytest
from attrs import evolve

from offerhub.domain.chain import ChainOperation, ChainStatus, Subject
from offerhub.domain.deposits import IncomingTransfer, Known, Unreadable, page
from offerhub.domain.money import Money
from offerhub.domain.parked import Parked
from offerhub.domain.unit_of_work import BalanceAfter, CursorMove, UnitOfWork
from offerhub.domain.users import WalletRole
from tests.domain.world import NOW, context, escrow_asked, planned_by, wallet

WALLETS = {
    "Gusr_buyer": wallet("usr_buyer"),
    "Gusr_seller": wallet("usr_seller"),
    "Gusr_platform": wallet("usr_platform", WalletRole.PLATFORM),
}
MOVE = CursorMove("payments", "10", "20")


def arrival(
    operation_id: str = "101",
    index: int = 0,
    source: str | None = "GOUTSIDE",
    destination: str = "Gusr_buyer",
    amount: str = "5.00",
    tx_hash: str = "t1",
) -> IncomingTransfer:
    return IncomingTransfer(
        operation_id, index, source, destination, Money.from_decimal_string(amount), tx_hash
    )


def operation(subject: Subject, subject_id: str, tx_hash: str) -> ChainOperation:
    return evolve(
        planned_by(escrow_asked()),
        subject=subject,
        subject_id=subject_id,
        status=ChainStatus.SUBMITTED,
        tx_hash=tx_hash,
    )


def read(
    *arrivals: IncomingTransfer,
    operations: tuple[ChainOperation, ...] = (),
    unreadable: tuple[Unreadable, ...] = (),
    full: frozenset[str] = frozenset(),
) -> UnitOfWork:
    by_hash = {str(known.tx_hash): known for known in operations}
    payees = {"ord_1": frozenset({"usr_buyer", "usr_seller", "usr_platform"})}
    known = Known(WALLETS, by_hash, {"CONTRACT": "ord_1", "OTHER": "ord_2"}, payees, full)
    return page(arrivals, unreadable, known, MOVE, context())


def kinds(unit: UnitOfWork) -> list[str]:
    return [transfer.kind.value for transfer in unit.transfers]


def test_a_deposit_is_credited_told_and_audited_with_its_cursor() -> None:
    unit = read(arrival(amount="5.0000001"))
    (transfer,) = unit.transfers
    assert {"available/usr_buyer": 50_000_001, "external": -50_000_001} == {
        posting.account: posting.amount.stroops for posting in transfer.postings
    }
    (held,) = transfer.holdings
    assert ("wallet/usr_buyer", 50_000_001) == (held.holding, held.amount.stroops)
    assert held.reference == "t1:101-0" == transfer.cause
    (event,) = unit.events
    assert ("balance.credited", "Balance", "usr_buyer") == (
        event.type,
        event.aggregate_type,
        event.aggregate_id,
    )
    payload = dict(event.payload)
    assert isinstance(payload.pop("newBalance"), BalanceAfter)
    assert {
        "userId": "usr_buyer",
        "amount": "5.00",
        "source": "stellar_deposit",
        "reference": "101-0",
        "transactionHash": "t1",
    } == payload
    assert ["deposit.credit"] == [entry.action for entry in unit.audit]
    assert MOVE == unit.cursor


def test_two_transfers_in_one_transaction_are_two_deposits() -> None:
    unit = read(arrival("101"), arrival("102"), arrival("103", 0), arrival("103", 1))
    assert ["deposit"] * 4 == kinds(unit)
    assert 4 == len({transfer.dedupe for transfer in unit.transfers})
    assert 4 == len(unit.events)


def test_the_same_transfer_read_twice_has_the_same_key() -> None:
    """Storage refuses the second: a cursor that was set back credits nothing twice."""
    (first,), (second,) = read(arrival()).transfers, read(arrival()).transfers
    assert first.dedupe is not None
    assert first.dedupe == second.dedupe
    assert first.id != second.id


def test_what_reaches_no_wallet_of_ours_only_moves_the_cursor() -> None:
    unit = read(arrival(destination="GSOMEBODY"), arrival(destination="CONTRACT"))
    assert ((), (), (), MOVE) == (unit.transfers, unit.events, unit.audit, unit.cursor)


def test_an_empty_transfer_is_none() -> None:
    assert [] == kinds(read(arrival(amount="0")))


def test_minted_usdc_is_a_deposit() -> None:
    assert ["deposit"] == kinds(read(arrival(source=None)))


def test_usdc_at_the_platforms_wallet_is_the_treasurys() -> None:
    unit = read(arrival(destination="Gusr_platform"))
    assert ["treasury_deposit"] == kinds(unit)
    assert () == unit.events


@pytest.mark.parametrize("destination", ["Gusr_seller", "Gusr_platform"])
def test_payouts_of_an_orders_contract_are_the_orders_to_book(destination: str) -> None:
    ours = operation(Subject.ORDER, "ord_1", "t1")
    unit = read(arrival(source="CONTRACT", destination=destination), operations=(ours,))
    assert [] == kinds(unit)
    assert () == unit.events


def test_a_payout_that_no_order_expects_is_parked_and_alarmed() -> None:
    unit = read(arrival(source="CONTRACT", destination="Gusr_seller"))
    assert ["parked"] == kinds(unit)
    assert {"suspense/usr_seller", "external"} == {
        posting.account for posting in unit.transfers[0].postings
    }
    assert () == unit.events
    assert [("deposit.park", "alarm")] == [(entry.action, entry.result) for entry in unit.audit]
    (parked,) = unit.writes
    assert isinstance(parked, Parked)
    assert ("usr_seller", "a contract of ours paid what no order expects", "t1") == (
        parked.user_id,
        parked.reason,
        parked.body["transactionHash"],
    )
    assert unit.transfers[0].postings[0].amount == parked.amount


def test_a_payout_of_another_orders_contract_is_not_this_orders() -> None:
    ours = operation(Subject.ORDER, "ord_1", "t1")
    unit = read(arrival(source="OTHER", destination="Gusr_seller"), operations=(ours,))
    assert ["parked"] == kinds(unit)


def test_a_withdrawal_to_another_users_wallet_is_a_deposit_there() -> None:
    ours = operation(Subject.WITHDRAWAL, "wd_1", "t1")
    unit = read(
        arrival(source="Gusr_buyer", destination="Gusr_seller"),
        operations=(ours,),
    )
    assert ["deposit"] == kinds(unit)
    assert ["usr_seller"] == [event.aggregate_id for event in unit.events]


@pytest.mark.parametrize("subject", [Subject.ACTIVATION, Subject.REFILL, Subject.BOOTSTRAP])
def test_what_we_move_between_our_own_accounts_is_no_deposit(subject: Subject) -> None:
    ours = operation(subject, "cop_1", "t1")
    assert [] == kinds(read(arrival(), operations=(ours,)))


def test_a_record_that_nobody_can_read_is_parked_and_the_rest_credited() -> None:
    unit = read(arrival(), unreadable=(Unreadable("99", "no amount", {"id": "99"}),))
    assert ["deposit"] == kinds(unit)
    (parked,) = unit.writes
    assert isinstance(parked, Parked)
    assert ("stellar", "99", "no amount", {"id": "99"}) == (
        parked.source,
        parked.reference,
        parked.reason,
        parked.body,
    )
    assert MOVE == unit.cursor
    assert NOW == unit.at


def test_what_a_full_balance_cannot_take_is_parked_with_an_alarm() -> None:
    unit = read(arrival(amount="5.0"), full=frozenset({"usr_buyer"}))
    assert ["parked"] == kinds(unit)
    assert [] == [event.type for event in unit.events]
    assert ["alarm"] == [entry.result for entry in unit.audit]
