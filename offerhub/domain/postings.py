"""The posting rules: one function for each operation of the table in docs/spec/domain.md §1.

Each returns postings and holdings; who commits them wraps them in a `Transfer`. Amounts are
positive; a posting of zero is left out.
"""

from attrs import frozen

from offerhub.domain import ledger
from offerhub.domain.errors import InvariantViolated
from offerhub.domain.fees import Payout, Split, Surplus
from offerhub.domain.ledger import Holding, Posting, TransferKind
from offerhub.domain.money import Money


@frozen
class Movement:
    """Postings and holdings of one operation."""

    kind: TransferKind
    postings: tuple[Posting, ...]
    holdings: tuple[Holding, ...] = ()


def _movement(
    kind: TransferKind,
    postings: list[tuple[str, Money]],
    holdings: list[tuple[str, Money, str | None]] | None = None,
) -> Movement:
    return Movement(
        kind,
        tuple(Posting(account, amount) for account, amount in postings if amount),
        tuple(
            Holding(holding, amount, reference)
            for holding, amount, reference in holdings or []
            if amount
        ),
    )


def _positive(amount: Money) -> Money:
    if amount.stroops <= 0:
        msg = "only a positive amount can be moved"
        raise InvariantViolated(msg)
    return amount


def deposit(user_id: str, amount: Money, chain_reference: str) -> Movement:
    """USDC reached the user's wallet."""
    a = _positive(amount)
    return _movement(
        TransferKind.DEPOSIT,
        [(ledger.available(user_id), a), (ledger.EXTERNAL, -a)],
        [(ledger.wallet(user_id), a, chain_reference)],
    )


def reserve(user_id: str, amount: Money) -> Movement:
    """Reserve for an order, or for a hold."""
    a = _positive(amount)
    return _movement(
        TransferKind.RESERVE, [(ledger.available(user_id), -a), (ledger.reserved(user_id), a)]
    )


def unreserve(user_id: str, amount: Money) -> Movement:
    """Cancel, hold given back, refund before funding."""
    a = _positive(amount)
    return _movement(
        TransferKind.UNRESERVE, [(ledger.available(user_id), a), (ledger.reserved(user_id), -a)]
    )


def fund_escrow(order_id: str, buyer_id: str, amount: Money, chain_reference: str) -> Movement:
    """The chain confirmed the funding."""
    a = _positive(amount)
    return _movement(
        TransferKind.ESCROW_FUND,
        [(ledger.reserved(buyer_id), -a), (ledger.escrow(order_id), a)],
        [(ledger.wallet(buyer_id), -a, chain_reference)],
    )


def pay_out(
    kind: TransferKind, order_id: str, payee_id: str, payout: Payout, chain_reference: str
) -> Movement:
    """The chain confirmed a release; the payee is the seller."""
    return _movement(
        kind,
        [
            (ledger.escrow(order_id), -_positive(payout.gross)),
            (ledger.EXTERNAL, payout.kept.protocol),
            (ledger.TREASURY, payout.kept.platform - payout.borne),
            (ledger.available(payee_id), payout.credited),
            (ledger.due(payee_id), payout.due),
            (ledger.DUE_TREASURY, -payout.due),
        ],
        [
            (ledger.wallet(payee_id), payout.net, chain_reference),
            (ledger.WALLET_TREASURY, payout.kept.platform, chain_reference),
        ],
    )


def pay_split(
    kind: TransferKind,
    order_id: str,
    seller_id: str,
    buyer_id: str,
    split: Split,
    chain_reference: str,
) -> Movement:
    """The chain confirmed a refund, or a dispute's resolution: the order's own money.

    A surplus is a movement of its own: `take_surplus`.
    """
    seller, buyer = split.seller, split.buyer
    gross = _positive(seller.gross + buyer.gross)
    credited = seller.credited + buyer.credited
    return _movement(
        kind,
        [
            (ledger.escrow(order_id), -gross),
            (ledger.EXTERNAL, split.kept.protocol),
            (ledger.TREASURY, gross - split.kept.protocol - credited),
            (ledger.available(seller_id), seller.credited),
            (ledger.available(buyer_id), buyer.credited),
            (ledger.due(seller_id), seller.due),
            (ledger.due(buyer_id), buyer.due),
            (ledger.DUE_TREASURY, -(seller.due + buyer.due)),
        ],
        [
            (ledger.wallet(seller_id), seller.net, chain_reference),
            (ledger.wallet(buyer_id), buyer.net, chain_reference),
            (ledger.WALLET_TREASURY, split.kept.platform, chain_reference),
        ],
    )


def take_surplus(surplus: Surplus, chain_reference: str) -> Movement:
    """A resolution paid the platform what a stranger had sent to the contract, less the protocol's share."""
    arrives = _positive(surplus.arrives)
    return _movement(
        TransferKind.ESCROW_SURPLUS,
        [(ledger.EXTERNAL, -arrives), (ledger.TREASURY, arrives)],
        [(ledger.WALLET_TREASURY, arrives, chain_reference)],
    )


def create_withdrawal(user_id: str, amount: Money) -> Movement:
    """The amount leaves `available` until the withdrawal has ended."""
    a = _positive(amount)
    return _movement(
        TransferKind.WITHDRAWAL_CREATED,
        [(ledger.available(user_id), -a), (ledger.withdrawing(user_id), a)],
    )


def complete_withdrawal(user_id: str, amount: Money, chain_reference: str) -> Movement:
    """The chain confirmed a withdrawal in USDC."""
    a = _positive(amount)
    return _movement(
        TransferKind.WITHDRAWAL_COMPLETED,
        [(ledger.withdrawing(user_id), -a), (ledger.EXTERNAL, a)],
        [(ledger.wallet(user_id), -a, chain_reference)],
    )


def return_withdrawal(user_id: str, amount: Money) -> Movement:
    """A withdrawal has provably failed, or was canceled: its money comes back, once."""
    a = _positive(amount)
    return _movement(
        TransferKind.WITHDRAWAL_RETURNED,
        [(ledger.withdrawing(user_id), -a), (ledger.available(user_id), a)],
    )


def top_up(user_id: str, net: Money, airtm_reference: str) -> Movement:
    """An AirTM pay-in: the money is in the float, the treasury owes it to the user's wallet."""
    a = _positive(net)
    return _movement(
        TransferKind.TOPUP,
        [
            (ledger.available(user_id), a),
            (ledger.EXTERNAL, -a),
            (ledger.due(user_id), a),
            (ledger.DUE_TREASURY, -a),
        ],
        [(ledger.AIRTM_FLOAT, a, airtm_reference)],
    )


def complete_payout(user_id: str, amount: Money, airtm_reference: str) -> Movement:
    """An AirTM payout has left the float; the user's wallet owes it to the treasury."""
    a = _positive(amount)
    return _movement(
        TransferKind.PAYOUT_COMPLETED,
        [
            (ledger.withdrawing(user_id), -a),
            (ledger.EXTERNAL, a),
            (ledger.due(user_id), -a),
            (ledger.DUE_TREASURY, a),
        ],
        [(ledger.AIRTM_FLOAT, -a, airtm_reference)],
    )


def give_hold(giver_id: str, receiver_id: str, amount: Money) -> Movement:
    """A hold becomes another user's available; the wallets settle it later."""
    a = _positive(amount)
    return _movement(
        TransferKind.HOLD_GIVEN,
        [
            (ledger.reserved(giver_id), -a),
            (ledger.available(receiver_id), a),
            (ledger.due(giver_id), -a),
            (ledger.due(receiver_id), a),
        ],
    )


def deduct_hold(user_id: str, amount: Money) -> Movement:
    """A hold is deducted in the platform's favour."""
    a = _positive(amount)
    return _movement(
        TransferKind.HOLD_DEDUCTED,
        [
            (ledger.reserved(user_id), -a),
            (ledger.TREASURY, a),
            (ledger.due(user_id), -a),
            (ledger.DUE_TREASURY, a),
        ],
    )


def credit_manually(user_id: str, amount: Money) -> Movement:
    """An operator credits a user out of the treasury."""
    a = _positive(amount)
    return _movement(
        TransferKind.MANUAL_CREDIT,
        [
            (ledger.available(user_id), a),
            (ledger.TREASURY, -a),
            (ledger.due(user_id), a),
            (ledger.DUE_TREASURY, -a),
        ],
    )


def debit_manually(user_id: str, amount: Money) -> Movement:
    """An operator debits a user in the treasury's favour."""
    a = _positive(amount)
    return _movement(
        TransferKind.MANUAL_DEBIT,
        [
            (ledger.available(user_id), -a),
            (ledger.TREASURY, a),
            (ledger.due(user_id), -a),
            (ledger.DUE_TREASURY, a),
        ],
    )


def settle(user_id: str, to_wallet: Money, chain_reference: str) -> Movement:
    """A settlement reached the user's wallet (negative: left it): the due goes back towards 0."""
    if not to_wallet:
        msg = "a settlement of nothing is none"
        raise InvariantViolated(msg)
    return _movement(
        TransferKind.SETTLEMENT,
        [(ledger.due(user_id), -to_wallet), (ledger.DUE_TREASURY, to_wallet)],
        [
            (ledger.wallet(user_id), to_wallet, chain_reference),
            (ledger.WALLET_TREASURY, -to_wallet, chain_reference),
        ],
    )


def park(user_id: str, amount: Money, chain_reference: str) -> Movement:
    """USDC that no rule explains reached a user's wallet: kept apart for an operator."""
    a = _positive(amount)
    return _movement(
        TransferKind.PARKED,
        [(ledger.suspense(user_id), a), (ledger.EXTERNAL, -a)],
        [(ledger.wallet(user_id), a, chain_reference)],
    )


def park_pay_in(user_id: str, amount: Money, airtm_reference: str) -> Movement:
    """An AirTM pay-in that no rule explains: kept apart, the treasury owes it to the wallet."""
    a = _positive(amount)
    return _movement(
        TransferKind.PARKED,
        [
            (ledger.suspense(user_id), a),
            (ledger.EXTERNAL, -a),
            (ledger.due(user_id), a),
            (ledger.DUE_TREASURY, -a),
        ],
        [(ledger.AIRTM_FLOAT, a, airtm_reference)],
    )


def unpark(user_id: str, amount: Money) -> Movement:
    """An operator gives parked money to its user."""
    a = _positive(amount)
    return _movement(
        TransferKind.UNPARKED,
        [(ledger.suspense(user_id), -a), (ledger.available(user_id), a)],
    )


def deposit_to_treasury(amount: Money, chain_reference: str) -> Movement:
    """USDC reached the platform's wallet."""
    a = _positive(amount)
    return _movement(
        TransferKind.TREASURY_DEPOSIT,
        [(ledger.TREASURY, a), (ledger.EXTERNAL, -a)],
        [(ledger.WALLET_TREASURY, a, chain_reference)],
    )


def create_platform_withdrawal(platform_user_id: str, amount: Money) -> Movement:
    """The platform's own withdrawal takes from the treasury."""
    a = _positive(amount)
    return _movement(
        TransferKind.WITHDRAWAL_CREATED,
        [(ledger.TREASURY, -a), (ledger.withdrawing(platform_user_id), a)],
    )


def complete_platform_withdrawal(
    platform_user_id: str, amount: Money, chain_reference: str
) -> Movement:
    """The chain confirmed the platform's own withdrawal."""
    a = _positive(amount)
    return _movement(
        TransferKind.WITHDRAWAL_COMPLETED,
        [(ledger.withdrawing(platform_user_id), -a), (ledger.EXTERNAL, a)],
        [(ledger.WALLET_TREASURY, -a, chain_reference)],
    )


def return_platform_withdrawal(platform_user_id: str, amount: Money) -> Movement:
    """The platform's own withdrawal has provably failed: the treasury has its money back."""
    a = _positive(amount)
    return _movement(
        TransferKind.WITHDRAWAL_RETURNED,
        [(ledger.withdrawing(platform_user_id), -a), (ledger.TREASURY, a)],
    )
