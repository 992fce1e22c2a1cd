"""The contract of changes by hand, the same for the twin and for PostgreSQL."""

from attrs import evolve

from offerhub.domain import postings
from offerhub.domain.ledger import TREASURY, Side
from offerhub.domain.manual_change import ManualKind
from offerhub.domain.money import Money
from offerhub.domain.unit_of_work import BalanceAfter, Committed, RefusalKind, Refused, UnitOfWork
from storage.port import Storage
from tests.storage.test_contract import commit, new_user
from tests.storage.units import Hands


async def test_a_change_is_kept_with_the_balance_that_its_own_unit_leaves(
    storage: Storage, hands: Hands
) -> None:
    user = await new_user(storage, hands, "20")
    change = hands.manual_change(user.id)
    unit = evolve(hands.reserve(user.id, "5.00"), writes=(change,))
    outcomes = await storage.commit(
        [hands.deposit(user.id, "1"), unit, hands.deposit(user.id, "2")]
    )
    assert all(isinstance(outcome, Committed) for outcome in outcomes)
    kept = await storage.manual_change(user.id, ManualKind.CREDIT, "ticket-1")
    assert evolve(change, available=Money.parse("16.00"), reserved=Money.parse("5.00")) == kept
    assert kept == await storage.load(type(change), change.id)


async def test_a_reference_is_one_users_and_one_directions(storage: Storage, hands: Hands) -> None:
    mine, other = await new_user(storage, hands), await new_user(storage, hands)
    debit = hands.manual_change(mine.id, kind=ManualKind.DEBIT)
    for change in (hands.manual_change(mine.id), debit, hands.manual_change(other.id)):
        await commit(storage, showing(hands, change))
    assert await storage.manual_change(other.id, ManualKind.DEBIT, "ticket-1") is None
    (refused,) = await storage.commit([showing(hands, hands.manual_change(mine.id))])
    assert Refused(RefusalKind.TAKEN, "manual_reference") == refused


async def test_changes_without_a_reference_are_no_clash(storage: Storage, hands: Hands) -> None:
    user = await new_user(storage, hands)
    for _ in range(2):
        await commit(storage, showing(hands, hands.manual_change(user.id, reference=None)))


async def test_no_more_is_promised_than_the_treasurys_wallet_backs(
    storage: Storage, hands: Hands
) -> None:
    """The guard is in the commit: credits of one group count against one another."""
    user, debtor = await new_user(storage, hands), await new_user(storage, hands, "9")

    def moves(movement: postings.Movement) -> UnitOfWork:
        return hands.unit(transfers=(hands.transfer(movement),))

    five = Money.parse("5.00")
    await commit(storage, moves(postings.deposit_to_treasury(Money.parse("7.00"), "tx:1")))
    await commit(storage, moves(postings.debit_manually(debtor.id, five)))
    outcomes = await storage.commit(
        [
            moves(postings.credit_manually(user.id, five)),
            moves(postings.credit_manually(user.id, Money.parse("2.01"))),
            # It nets against what its user owes: nothing is promised.
            moves(postings.credit_manually(debtor.id, five)),
            moves(postings.credit_manually(user.id, Money.parse("2.00"))),
            moves(postings.credit_manually(debtor.id, Money.parse("0.01"))),
        ]
    )
    refused = Refused(RefusalKind.FUNDS, TREASURY)
    assert [place for place, outcome in enumerate(outcomes) if outcome == refused] == [1, 4]
    assert Money.zero() == (await storage.treasury()).spare


def showing(hands: Hands, change):
    """A unit that writes a change and moves nothing; its event has the balance's row read."""
    figure = BalanceAfter(change.user_id, Side.AVAILABLE)
    event = hands.event(payload={"newBalance": figure})
    return hands.unit(writes=(change,), events=(event,))
