"""Builds our own transactions: activation, payment, refill, settlement (docs/spec/stellar-horizon.md §5.4)."""

from datetime import datetime
from typing import assert_never

from stellar_sdk import (
    Asset,
    BeginSponsoringFutureReserves,
    ChangeTrust,
    CreateAccount,
    EndSponsoringFutureReserves,
    NoneMemo,
    Operation,
    Payment,
    Preconditions,
    TextMemo,
    TimeBounds,
    Transaction,
)
from stellar_sdk.memo import Memo

from offerhub.domain.intents import (
    ActivateWallets,
    DuePayment,
    OpenChannels,
    OwnIntent,
    PayUsdc,
    RefillWallets,
    SettleDues,
    TrustUsdc,
)
from offerhub.domain.money import Money
from offerhub.providers.stellar.envelope import unsigned_xdr

ACTIVATIONS_MAX = 18
"""Wallets in one activation: 20 signatures less the channel's and the sponsor's (docs/spec/stellar-horizon.md §5.4)."""

SIGNATURES_MAX = 20
"""Signatures on one transaction (docs/spec/stellar-horizon.md §5.4)."""

OPERATIONS_MAX = 100
"""Operations in one transaction (docs/spec/stellar-horizon.md §1.2): as many refills or channels fit."""


def build_own(
    intent: OwnIntent,
    usdc: Asset,
    *,
    sequence: int,
    max_time: datetime,
    fee_per_operation_stroops: int,
) -> str:
    """Build the unsigned envelope, base64.

    `sequence` is the transaction's own, the source's last one plus one. Raises `ValueError` for an intent
    that no transaction can carry: too many wallets, a memo that is too long, an amount of nothing.
    """
    operations = operations_of(intent, usdc)
    transaction = Transaction(
        source=intent.source,
        sequence=sequence,
        fee=fee_per_operation_stroops * len(operations),
        operations=operations,
        memo=memo_of(intent),
        preconditions=Preconditions(time_bounds=TimeBounds(0, int(max_time.timestamp()))),
        v1=True,
    )
    # A transaction of version 1 always encodes as one; the union is for the old form.
    return unsigned_xdr(transaction.to_xdr_object())  # type: ignore[arg-type]


def operations_of(intent: OwnIntent, usdc: Asset) -> list[Operation]:
    """The exact operations, each with its source, that an intent asks for. Raises `ValueError`."""
    match intent:
        case PayUsdc():
            operations: list[Operation] = [
                Payment(intent.destination, usdc, _positive(intent.amount), source=intent.wallet)
            ]
        case ActivateWallets():
            _within(len(intent.wallets), ACTIVATIONS_MAX)
            operations = [
                operation
                for wallet in intent.wallets
                for operation in _activation(wallet, intent.sponsor, intent.xlm_float, usdc)
            ]
        case RefillWallets():
            _within(len(intent.refills), OPERATIONS_MAX)
            operations = [
                Payment(
                    refill.wallet, Asset.native(), _positive(refill.amount), source=intent.payer
                )
                for refill in intent.refills
            ]
        case SettleDues():
            _within(len(intent.payments), OPERATIONS_MAX)
            _within(len(intent.signers), SIGNATURES_MAX)
            operations = [_due_payment(each, intent.platform, usdc) for each in intent.payments]
        case OpenChannels():
            _within(len(intent.channels), OPERATIONS_MAX)
            starting = _positive(intent.starting_xlm)
            operations = [
                CreateAccount(channel, starting, source=intent.platform)
                for channel in intent.channels
            ]
        case TrustUsdc():
            operations = [ChangeTrust(usdc, source=intent.account)]
        case _:
            assert_never(intent)
    return operations


def memo_of(intent: OwnIntent) -> Memo:
    """The memo that was asked for: of a payment only. Raises `ValueError` if it is over 28 bytes."""
    if isinstance(intent, PayUsdc) and intent.memo is not None:
        return TextMemo(intent.memo)
    return NoneMemo()


def _activation(wallet: str, sponsor: str, xlm: Money, usdc: Asset) -> list[Operation]:
    """Account and trustline, their reserves on the sponsor; both succeed or neither."""
    return [
        BeginSponsoringFutureReserves(wallet, source=sponsor),
        CreateAccount(wallet, xlm.seven_places(), source=sponsor),
        ChangeTrust(usdc, source=wallet),
        EndSponsoringFutureReserves(source=wallet),
    ]


def _due_payment(payment: DuePayment, platform: str, usdc: Asset) -> Operation:
    """What the treasury owes comes from the platform's wallet, what a wallet owes from that one."""
    amount = payment.amount
    if amount.stroops < 0:
        return Payment(platform, usdc, _positive(-amount), source=payment.wallet)
    return Payment(payment.wallet, usdc, _positive(amount), source=platform)


def _positive(amount: Money) -> str:
    if amount.stroops <= 0:
        msg = "an amount must be greater than zero"
        raise ValueError(msg)
    return amount.seven_places()


def _within(number: int, most: int) -> None:
    if not 1 <= number <= most:
        msg = f"one transaction carries 1 to {most} of these, not {number}"
        raise ValueError(msg)
