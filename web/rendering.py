"""The domain's values as the API shows them: each resource is filled in here and nowhere else."""

from datetime import datetime
from typing import Any, Final

import msgspec

from offerhub.domain import api_keys, dispute, fees, order, users, withdrawal
from offerhub.domain.chain import ChainOperation
from offerhub.domain.hold import Hold, HoldChanged
from offerhub.domain.ids import iso
from offerhub.domain.maintenance import Maintenance
from offerhub.domain.order_transitions import Progress
from offerhub.domain.reconciliation import Comparison
from offerhub.domain.steps import Step
from offerhub.domain.treasury import Treasury
from offerhub.domain.unit_of_work import Balance
from storage.port import StoredAudit
from web import resources


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)


def render_user(user: users.User, wallet: users.Wallet) -> resources.User:
    """A user with the state of its wallet."""
    return resources.User(
        id=user.id,
        external_user_id=user.external_user_id,
        email=user.email,
        type=user.type,
        status=user.status,
        metadata=user.metadata,
        airtm=None,
        wallet=resources.UserWallet(public_key=wallet.public_key, status=wallet.status),
        created_at=iso(user.created_at),
        updated_at=iso(user.updated_at),
    )


def render_maintenance(maintenance: Maintenance) -> resources.Maintenance:
    """Whether changes are refused."""
    return resources.Maintenance(
        enabled=maintenance.enabled,
        message=maintenance.message,
        since=_iso(maintenance.since),
    )


def render_balance(balance: Balance, currency: str) -> resources.Balance:
    """A balance."""
    return resources.Balance(
        user_id=balance.user_id,
        available=balance.available.two_places(),
        reserved=balance.reserved.two_places(),
        total=balance.total.two_places(),
        currency=currency_of(currency),
        updated_at=iso(balance.updated_at),
    )


def render_comparison(compared: Comparison) -> resources.BalanceVerification:
    """A wallet held against the chain."""
    return resources.BalanceVerification(
        ledger=compared.ledger.seven_places(),
        on_chain=compared.on_chain.seven_places(),
        due=compared.due.seven_places(),
        in_flight=compared.in_flight.seven_places(),
        difference=compared.difference.seven_places(),
    )


def render_hold(hold: Hold) -> resources.Hold:
    """A hold."""
    return resources.Hold(
        id=hold.id,
        user_id=hold.user_id,
        amount=hold.amount.two_places(),
        remaining=hold.remaining.two_places(),
        reference=hold.reference,
        created_at=iso(hold.created_at),
    )


def render_hold_changed(changed: HoldChanged, balance: Balance) -> resources.HoldAndBalance:
    """A hold with its user's balance."""
    return resources.HoldAndBalance(
        hold=render_hold(changed.hold), balance=render_balance(balance, changed.currency)
    )


def render_treasury(treasury: Treasury, wallet: users.Wallet, currency: str) -> resources.Treasury:
    """The platform's own money; `wallet` is its wallet."""
    return resources.Treasury(
        user_id=wallet.user_id,
        treasury=treasury.treasury.seven_places(),
        currency=currency_of(currency),
        fees=resources.TreasuryFees(
            kept=treasury.platform_fees.seven_places(),
            borne=treasury.fees_borne.seven_places(),
            earned=treasury.fees_earned.seven_places(),
        ),
        dues=resources.TreasuryDues(
            owed=treasury.owed.seven_places(),
            owing=treasury.owing.seven_places(),
            paying=treasury.paying.seven_places(),
            collecting=treasury.collecting.seven_places(),
        ),
        float_=treasury.airtm_float.seven_places(),
        wallet=resources.TreasuryWallet(
            public_key=wallet.public_key,
            booked=treasury.wallet.seven_places(),
            withdrawing=treasury.withdrawing.seven_places(),
            withdrawable=treasury.withdrawable.seven_places(),
        ),
    )


def render_order(shown: order.Order, operation: ChainOperation | None = None) -> resources.Order:
    """An order; `operation` is the chain operation of its process, if it was looked up."""
    return resources.Order(
        id=shown.id,
        client_order_ref=shown.client_order_ref,
        buyer_id=shown.buyer_id,
        seller_id=shown.seller_id,
        amount=shown.amount.two_places(),
        currency=currency_of(shown.currency),
        title=shown.title,
        description=shown.description,
        status=shown.status,
        outcome=shown.outcome,
        milestones=tuple([_milestone(shown.id, each) for each in shown.milestones]),
        escrow=None if shown.escrow is None else _escrow(shown, shown.escrow),
        dispute=None if shown.dispute is None else render_dispute(shown.dispute),
        fees=None if shown.fees is None else _fees(shown.fees),
        progress=render_progress(Progress(shown, operation)),
        metadata=shown.metadata,
        expires_at=_iso(shown.expires_at),
        auto_release_at=_iso(shown.auto_release_at),
        created_at=iso(shown.created_at),
        updated_at=iso(shown.updated_at),
        closed_at=_iso(shown.closed_at),
    )


def render_dispute(shown: dispute.Dispute) -> resources.Dispute:
    """A dispute; what was decided shows from the decision on, and it is resolved when it is paid."""
    ruling = shown.ruling
    return resources.Dispute(
        id=shown.id,
        order_id=shown.order_id,
        opened_by=shown.opened_by,
        reason=shown.reason,
        evidence=shown.evidence,
        status=shown.status,
        assigned_to=shown.assigned_to,
        resolution_decision=None if ruling is None else ruling.verdict,
        release_amount=None if ruling is None else ruling.release.two_places(),
        refund_amount=None if ruling is None else ruling.refund.two_places(),
        decision_note=None if ruling is None else ruling.note,
        created_at=iso(shown.created_at),
        updated_at=iso(shown.updated_at),
        resolved_at=_iso(shown.resolved_at),
    )


def render_milestone(shown: order.MilestoneOf) -> resources.Milestone:
    """A milestone of an order, alone."""
    return _milestone(shown.order_id, shown.milestone)


def _milestone(order_id: str, milestone: order.Milestone) -> resources.Milestone:
    return resources.Milestone(
        order_id=order_id,
        ref=milestone.ref,
        title=milestone.title,
        description=milestone.title,
        amount=milestone.amount.two_places(),
        status=milestone.status,
        completed_at=_iso(milestone.completed_at),
    )


def render_progress(progress: Progress) -> resources.Progress | None:
    """How far an order's work on the chain is; `None` if nothing is in progress."""
    process, operation = progress.order.process, progress.operation
    if process is None:
        return None
    return resources.Progress(
        operation=process.operation,
        step=_step(progress.order, process.current),
        steps=tuple([_step(progress.order, step) for step in process.steps]),
        transaction_hash=operation.tx_hash if operation else None,
        attempts=process.attempt,
        last_error=(operation.last_error if operation else None) or process.last_error,
        since=iso(process.since),
    )


def render_withdrawal(shown: withdrawal.Withdrawal) -> resources.Withdrawal:
    """A withdrawal."""
    failure = shown.failure
    return resources.Withdrawal(
        id=shown.id,
        user_id=shown.user_id,
        amount=shown.amount.two_places(),
        currency=currency_of(shown.currency),
        destination_type=shown.destination_type,
        destination_ref=shown.destination_ref,
        destination_memo=shown.destination_memo,
        status=shown.status,
        committed=shown.committed,
        transaction_hash=shown.transaction_hash,
        airtm_payout_id=None,
        failure=None
        if failure is None
        else resources.WithdrawalFailure(code=failure.code, reason=failure.reason),
        created_at=iso(shown.created_at),
        updated_at=iso(shown.updated_at),
    )


def render_api_key(
    key: api_keys.ApiKey, text: str | None = None, last_used_at: datetime | None = None
) -> resources.ApiKey:
    """A key; `text` is the key itself, only in the live answer that creates it."""
    return resources.ApiKey(
        id=key.id,
        key=text,
        masked_key=key.masked_key,
        name=key.name,
        scopes=key.scopes,
        user_id=key.user_id,
        expires_at=_iso(key.expires_at),
        revoked_at=_iso(key.revoked_at),
        last_used_at=_iso(last_used_at),
        created_at=iso(key.created_at),
    )


class _Said(msgspec.Struct, rename="camel"):
    """An audit entry's text: what was hashed."""

    sequence: int
    id: str
    at: str
    actor: str
    action: str
    resource_type: str
    resource_id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    result: str
    error: str | None
    user_id: str | None
    correlation_id: str
    causation_id: str | None
    idempotency_key: str | None
    ip: str | None
    user_agent: str | None


_said: Final = msgspec.json.Decoder(_Said)


def render_audit(entry: StoredAudit) -> resources.AuditEntry:
    """An audit entry, with the hashes that chain it."""
    said = msgspec.structs.asdict(_said.decode(entry.canonical))
    return resources.AuditEntry(
        **said, previous_hash=entry.previous_hash.hex(), hash=entry.hash.hex()
    )


def currency_of(currency: str) -> resources.Currency:
    """The code of the one currency that an instance has."""
    return "USD" if currency == "USD" else "USDC"


def _fees(kept: fees.FeesKept) -> resources.Fees:
    return resources.Fees(
        protocol=kept.protocol.seven_places(), platform=kept.platform.seven_places()
    )


def _escrow(of: order.Order, escrow: order.Escrow) -> resources.Escrow:
    return resources.Escrow(
        id=escrow.id,
        order_id=of.id,
        status=escrow.status,
        trustless_contract_id=escrow.contract_id,
        contract_id=escrow.contract_id,
        amount=of.amount.two_places(),
        currency=currency_of(of.currency),
        transaction_hashes={
            _step(of, confirmed.step): confirmed.tx_hash for confirmed in escrow.transaction_hashes
        },
        created_at=iso(escrow.created_at),
        updated_at=iso(escrow.updated_at or escrow.created_at),
        funded_at=_iso(escrow.funded_at),
        released_at=_iso(escrow.released_at),
        refunded_at=_iso(escrow.refunded_at),
    )


def _step(of: order.Order, step: Step) -> str:
    """A step as shown, with the ref of its milestone: `complete:draft`."""
    if step.milestone is None:
        return step.kind.value
    return f"{step.kind.value}:{of.contract_milestones[step.milestone]}"
