"""Webhooks that came in: kept before they are worked on, worked on until they are done or parked.

A webhook moves no money and no state by what it says: it only has the chain looked at
(docs/spec/api.md, Endpoints). Its sender and its place in `source` are all that is believed.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Final

from attrs import evolve, frozen

from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.order import EscrowStatus, Order
from offerhub.domain.parked import Parked
from offerhub.domain.unit_of_work import UnitOfWork
from offerhub.domain.webhook import Webhook, WebhookStatus

TRIES_MAX: Final = 10
"""Pauses of 1, 2, 4 … 256 s between them: eight and a half minutes of trouble are waited out."""


class Finding(StrEnum):
    """What a look at a contract has found."""

    UNKNOWN = "unknown_contract"
    AT_WORK = "at_work"
    AGREES = "agrees"
    DIFFERS = "differs"


@frozen
class ContractSeen:
    """What the chain says of a contract, as far as it can surprise us."""

    disputed: bool
    released: bool
    resolved: bool


def receive(webhook: Webhook, context: DecisionContext) -> UnitOfWork:
    """Keep a webhook that has just come; its `event_id` is taken if it came before."""
    entry = context.audit(
        "webhook.receive",
        "Webhook",
        webhook.id,
        after={
            "source": webhook.source,
            "eventId": webhook.event_id,
            "type": webhook.type,
            "contractId": webhook.contract_id,
        },
    )
    return UnitOfWork(at=context.now, trace=context.trace, writes=(webhook,), audit=(entry,))


def judge(order: Order | None, seen: ContractSeen | None) -> Finding:
    """What to make of a contract.

    Args:
        order: whose contract it is; `None`: nobody's here.
        seen: `None` while the provider does not know the contract, and before it was asked.
    """
    if order is None or order.escrow is None:
        return Finding.UNKNOWN
    if order.process is not None or seen is None:
        # Our own work may be what the webhook tells of; the lane looks at it.
        return Finding.AT_WORK
    moved = seen.disputed or seen.released or seen.resolved
    before = (
        EscrowStatus.CREATING,
        EscrowStatus.CREATED,
        EscrowStatus.FUNDING,
        EscrowStatus.FUNDED,
    )
    return Finding.DIFFERS if moved and order.escrow.status in before else Finding.AGREES


def done(
    webhook: Webhook, finding: Finding, order_id: str | None, context: DecisionContext
) -> UnitOfWork:
    """End a webhook whose contract was looked at."""
    ended = evolve(
        webhook,
        version=webhook.version + 1,
        status=WebhookStatus.DONE,
        tries=webhook.tries + 1,
        not_before=None,
        ended_at=context.now,
        updated_at=context.now,
    )
    entry = context.audit(
        "webhook.work",
        "Webhook",
        webhook.id,
        result="alarm" if finding is Finding.DIFFERS else "ok",
        after={"finding": finding.value, "orderId": order_id, "tries": ended.tries},
    )
    return UnitOfWork(at=context.now, trace=context.trace, writes=(ended,), audit=(entry,))


def failed(webhook: Webhook, reason: str, context: DecisionContext) -> UnitOfWork:
    """Put a webhook off that could not be worked on, or park it after its last try."""
    tries = webhook.tries + 1
    parked = tries >= TRIES_MAX
    pause = timedelta(seconds=2 ** (tries - 1))
    after = evolve(
        webhook,
        version=webhook.version + 1,
        status=WebhookStatus.PARKED if parked else WebhookStatus.RECEIVED,
        tries=tries,
        not_before=None if parked else context.now + pause,
        last_error=reason,
        ended_at=context.now if parked else None,
        updated_at=context.now,
    )
    unit = UnitOfWork(at=context.now, trace=context.trace, writes=(after,))
    if not parked:
        return unit
    entry = context.audit(
        "webhook.park",
        "Webhook",
        webhook.id,
        result="failed",
        error=reason,
        after={"tries": tries},
    )
    record = Parked(
        id=context.ids.new("prk"),
        version=1,
        source="webhook",
        reference=f"{webhook.source}/{webhook.event_id}",
        reason=reason,
        body={"webhookId": webhook.id, "type": webhook.type, "contractId": webhook.contract_id},
        created_at=context.now,
        updated_at=context.now,
    )
    return evolve(unit, writes=(after, record), audit=(entry,))
