"""What each contract must have paid out, and who must have been credited what.

Worked out from the chain's own history and from the rules of docs/spec/trustless-work.md §7 and
docs/spec/domain.md §1, Fees: nothing of the product's own arithmetic is used.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from attrs import define, field

from offerhub.domain.fees import FeePolicy
from offerhub.domain.ledger import TREASURY, TransferKind
from offerhub.domain.order import Order, Outcome
from offerhub.domain.users import Wallet, WalletRole
from offerhub.sandbox.constants import FEE_ADDRESS
from storage.memory import MemoryDatabase
from tests.simulation.chain_history import operations
from tests.simulation.world import Universe

_PROTOCOL_BPS: Final = 30
_BPS: Final = 10_000
_PAYING: Final = frozenset(
    {TransferKind.ESCROW_RELEASE, TransferKind.ESCROW_REFUND, TransferKind.ESCROW_SPLIT}
)


@define
class Payouts:
    """Compares orders that ended on the chain with what their contracts paid."""

    database: MemoryDatabase
    universe: Universe
    wrong: list[str] = field(factory=list)
    surpluses: int = 0
    """Contracts that paid out more than their order."""
    _paid: dict[str | None, Counter[str | None]] = field(factory=dict)
    _addresses: dict[str, str] = field(factory=dict)
    _platform: str = ""

    def check(self) -> list[str]:
        """Every difference."""
        for row in operations(self.universe):
            for change in row.balance_changes:
                paid = self._paid.setdefault(change.source, Counter())
                paid[change.destination] += change.amount
        for each in self.database.tables.of(Wallet).rows.values():
            if each.role is WalletRole.PLATFORM:
                self._platform = each.public_key
            self._addresses[each.user_id] = each.public_key
        for order in self.database.tables.of(Order).rows.values():
            escrow = order.escrow
            if order.outcome not in {None, Outcome.CANCELED} and escrow and escrow.funded_at:
                self._check_order(order, self._paid.get(escrow.contract_id, Counter()))
        return self.wrong

    def _check_order(self, order: Order, paid: Mapping[str | None, int]) -> None:
        if order.fee_terms is None or order.fees is None:
            self.wrong.append(f"{order.id} ended without fees")
            return
        shares = _shares(order)
        bps = order.fee_terms.platform_fee_bps
        total = sum(paid.values())
        protocol_whole = total * _PROTOCOL_BPS // _BPS
        platform_whole = total * bps // _BPS
        expected: Counter[str | None] = Counter()
        credited: Counter[str] = Counter()
        protocol_own = platform_own = 0
        for user_id, gross in shares.items():
            protocol = gross * protocol_whole // total if total else 0
            platform = gross * platform_whole // total if total else 0
            net = gross - protocol - platform
            protocol_own, platform_own = protocol_own + protocol, platform_own + platform
            expected[self._addresses[user_id]] += net
            expected[FEE_ADDRESS] += protocol
            expected[self._platform] += platform
            if order.fee_terms.policy is FeePolicy.PAYEE:
                credited[user_id] += net
            else:
                credited[user_id] += gross - (platform if user_id == order.seller_id else 0)
        surplus = total - order.amount.stroops
        kept_of_surplus = 0
        if surplus > 0:
            self.surpluses += 1
            kept_of_surplus = surplus * protocol_whole // total
            expected[FEE_ADDRESS] += kept_of_surplus
            expected[self._platform] += surplus - kept_of_surplus
        self._demand_equal(+expected, +Counter(paid), f"payouts of {order.id}'s contract")
        self._demand_equal(
            (protocol_own, platform_own),
            (order.fees.protocol.stroops, order.fees.platform.stroops),
            f"fees of {order.id}",
        )
        booked: Counter[str] = Counter()
        treasury = 0
        for transfer in self.database.transfers:
            if transfer.reference != order.id:
                continue
            for posting in transfer.postings:
                side, _, owner = posting.account.partition("/")
                if side == "available" and transfer.kind in _PAYING:
                    booked[owner] += posting.amount.stroops
                if posting.account == TREASURY:
                    treasury += posting.amount.stroops
        self._demand_equal(+credited, +booked, f"credits of {order.id}")
        earned = order.amount.stroops - protocol_own - sum(credited.values())
        self._demand_equal(
            earned + max(0, surplus) - kept_of_surplus,
            treasury,
            f"the treasury's part of {order.id}",
        )

    def _demand_equal(self, expected: object, actual: object, claim: str) -> None:
        if expected != actual:
            self.wrong.append(f"{claim}: {expected} expected, {actual} found")


def _shares(order: Order) -> dict[str, int]:
    """Who gets which part of the order's amount."""
    amount = order.amount.stroops
    match order.outcome:
        case Outcome.SPLIT:
            ruling = None if order.dispute is None else order.dispute.ruling
            if ruling is None or ruling.release + ruling.refund != order.amount:
                return {}
            return {order.seller_id: ruling.release.stroops, order.buyer_id: ruling.refund.stroops}
        case Outcome.REFUNDED:
            return {order.buyer_id: amount}
        case _:
            return {order.seller_id: amount}
