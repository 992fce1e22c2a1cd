"""A small ledger that takes units as storage does, and checks everything a unit must keep to."""

from collections import Counter
from collections.abc import Mapping

from attrs import Factory, define

from offerhub.domain.ledger import (
    Books,
    Side,
    Transfer,
    balance_changes,
    books_of,
    check_identities,
)
from offerhub.domain.money import Money
from offerhub.domain.order import Order
from offerhub.domain.unit_of_work import Event, UnitOfWork
from tests.domain.event_shapes import check_shape
from tests.domain.world import PLATFORM

NOT_BELOW_ZERO = ("available/", "reserved/", "withdrawing/", "suspense/", "escrow/", "wallet/")

PASSED_THROUGH = {
    ("ESCROW_FUNDING", "IN_PROGRESS"): ["ESCROW_FUNDED", "IN_PROGRESS"],
    ("RELEASE_REQUESTED", "CLOSED"): ["RELEASED", "CLOSED"],
    ("REFUND_REQUESTED", "CLOSED"): ["REFUNDED", "CLOSED"],
    ("ESCROW_CREATING", "CLOSED"): ["REFUND_REQUESTED", "REFUNDED", "CLOSED"],
}
"""Moves of one commit that enter more than one state (docs/spec/domain.md §2)."""

NO_STATE = {"order.canceled", "order.deadlines_changed"}
"""Events of an order that say more than which state it has entered."""

EVENT_OF = {"ORDER_CREATED": "order.created", "CLOSED": "order.closed"}


@define
class TestLedger:
    """Sums of all accounts and holdings, kept commit by commit."""

    __test__ = False

    accounts: dict[str, int] = Factory(dict)
    holdings: dict[str, int] = Factory(dict)
    versions: dict[str, int] = Factory(dict)
    dedupes: set[str] = Factory(set)
    transfers: list[Transfer] = Factory(list)
    events: list[Event] = Factory(list)
    ids: set[str] = Factory(set)
    marks: set[str] = Factory(set)

    def account(self, name: str) -> int:
        return self.accounts.get(name, 0)

    def holding(self, name: str) -> int:
        return self.holdings.get(name, 0)

    def commit(self, unit: UnitOfWork, debits: str | None, *, reported: bool = True) -> bool:
        """Take a unit whole; false if storage would refuse it, and then nothing has changed.

        Args:
            debits: the user whose balance row the unit takes from.
            reported: whether every change of a balance row must have its event.
        """
        sums = dict(self.accounts), dict(self.holdings)
        for transfer in unit.transfers:
            _add(sums, transfer)
        touched = {posting.account for t in unit.transfers for posting in t.postings}
        touched |= {moved.holding for t in unit.transfers for moved in t.holdings}
        for name in touched:
            if name.startswith(NOT_BELOW_ZERO) and {**sums[0], **sums[1]}[name] < 0:
                self.marks.add("refused by the ledger")
                return False
        self._check_money(unit, debits, reported=reported)
        self._check_versions(unit)
        self._check_ids(unit)
        self.marks.update(entry.result for entry in unit.audit)
        self.accounts, self.holdings = sums
        self.transfers += unit.transfers
        self.events += unit.events
        check_identities(Books(self.accounts, self.holdings), PLATFORM)
        return True

    def replayed(self) -> None:
        """Rebuilding the sums from all transfers gives the sums that stand."""
        books = books_of(self.transfers)
        assert books.accounts == self.accounts
        assert books.holdings == self.holdings

    def _check_money(self, unit: UnitOfWork, debits: str | None, *, reported: bool) -> None:
        for transfer in unit.transfers:
            assert 0 == sum(posting.amount.stroops for posting in transfer.postings)
            assert all(posting.amount for posting in transfer.postings)
        changes = balance_changes(unit.transfers)
        debited = {
            user
            for user, sides in changes.items()
            if min(sides[Side.AVAILABLE], sides[Side.RESERVED]) < 0
        }
        assert ({debits} if debits else set()) == debited
        for event in unit.events:
            check_shape(event)
        if reported:
            events = Counter(_reported(event) for event in unit.events if _is_of_balance(event))
            assert _moved(unit.transfers) == events
        assert unit.audit or not (unit.writes or unit.transfers)

    def _check_versions(self, unit: UnitOfWork) -> None:
        for entity in unit.writes:
            assert self.versions.get(entity.id, 0) + 1 == entity.version
            self.versions[entity.id] = entity.version

    def _check_ids(self, unit: UnitOfWork) -> None:
        new = [transfer.id for transfer in unit.transfers]
        new += [event.id for event in unit.events]
        new += [entry.id for entry in unit.audit]
        assert len(set(new)) == len(new)
        assert not self.ids & set(new)
        self.ids.update(new)
        keys = [t.dedupe for t in unit.transfers if t.dedupe is not None]
        assert len(set(keys)) == len(keys)
        assert not self.dedupes & set(keys)
        self.dedupes.update(keys)


def _add(sums: tuple[dict[str, int], dict[str, int]], transfer: Transfer) -> None:
    accounts, holdings = sums
    for posting in transfer.postings:
        accounts[posting.account] = accounts.get(posting.account, 0) + posting.amount.stroops
    for moved in transfer.holdings:
        holdings[moved.holding] = holdings.get(moved.holding, 0) + moved.amount.stroops


def _is_of_balance(event: Event) -> bool:
    return event.type.startswith("balance.")


def _reported(event: Event) -> tuple[str, str, object]:
    return event.type, event.aggregate_id, event.payload["amount"]


def _moved(transfers: tuple[Transfer, ...]) -> Counter[tuple[str, str, object]]:
    """The balance events that the movements of the rows call for (docs/spec/domain.md §6, end)."""
    moved: Counter[tuple[str, str, object]] = Counter()
    for transfer in transfers:
        for user, sides in balance_changes([transfer]).items():
            if not (sides[Side.AVAILABLE] or sides[Side.RESERVED]):
                continue  # what is due to a user is not reported
            kind, amount = _row_event(sides)
            moved[kind, user, Money(amount).two_places()] += 1
    return moved


def _row_event(sides: Mapping[Side, int]) -> tuple[str, int]:
    free, kept = sides[Side.AVAILABLE], sides[Side.RESERVED]
    if kept > 0:
        assert free == -kept
        return "balance.reserved", kept
    if kept < 0 and free > 0:
        assert free == -kept
        return "balance.released", free
    if kept < 0 or free < 0:
        assert 0 in {free, kept}
        return "balance.debited", -(free + kept)
    return "balance.credited", free


def check_order_events(before: Order | None, after: Order, unit: UnitOfWork) -> None:
    """Check that each entered state is reported once, in order, and nothing else is reported as one."""
    reported = [
        event.type
        for event in unit.events
        if event.type.startswith("order.") and event.type not in NO_STATE
    ]
    assert all(event.order_id == after.id for event in unit.events)
    if before is None:
        entered = [after.status.value]
    elif before.status is after.status:
        entered = []
    else:
        entered = PASSED_THROUGH.get(
            (before.status.value, after.status.value), [after.status.value]
        )
    if before is not None and (before.status.value, after.status.value) == ("DISPUTED", "CLOSED"):
        assert after.outcome is not None
        decided = after.outcome.value
        entered = ["CLOSED"] if decided == "SPLIT" else [decided, "CLOSED"]
    assert [EVENT_OF.get(state, f"order.{state.lower()}") for state in entered] == reported
    canceled = [event for event in unit.events if event.type == "order.canceled"]
    was_canceled = after.outcome is not None and after.outcome.value == "CANCELED"
    assert (1 if was_canceled else 0) == len(canceled)
