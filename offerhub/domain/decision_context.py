"""What every decision is given: the moment, the ids and who asks; and the parts of a unit of work made from them."""

from collections.abc import Mapping
from datetime import datetime

from attrs import frozen

from offerhub.domain.answers import OpenAnswer, Shown
from offerhub.domain.ids import Ids
from offerhub.domain.ledger import Side, Transfer
from offerhub.domain.money import Money
from offerhub.domain.postings import Movement
from offerhub.domain.trace import IdempotencyClaim, Trace
from offerhub.domain.unit_of_work import (
    AuditEntry,
    BalanceAfter,
    Event,
    IdempotencyRecord,
    IdempotencyState,
)


@frozen
class DecisionContext:
    """The moment of a decision, its source of ids, and who asks."""

    now: datetime
    ids: Ids
    trace: Trace

    def transfer(
        self, movement: Movement, *, reference: str, cause: str, dedupe: str | None = None
    ) -> Transfer:
        """Wrap a movement into a transfer of the ledger."""
        return Transfer(
            id=self.ids.new("trf"),
            kind=movement.kind,
            reference=reference,
            cause=cause,
            postings=movement.postings,
            holdings=movement.holdings,
            dedupe=dedupe,
            correlation_id=self.trace.correlation_id,
        )

    def event(
        self,
        event_type: str,
        aggregate_type: str,
        aggregate_id: str,
        payload: Mapping[str, object],
        *,
        user_id: str | None = None,
        order_id: str | None = None,
    ) -> Event:
        return Event(
            id=self.ids.new("evt"),
            type=event_type,
            aggregate_type=aggregate_type,
            aggregate_id=aggregate_id,
            payload=payload,
            user_id=user_id,
            order_id=order_id,
        )

    def audit(
        self,
        action: str,
        resource_type: str,
        resource_id: str,
        *,
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
        user_id: str | None = None,
        result: str = "ok",
        error: str | None = None,
    ) -> AuditEntry:
        return AuditEntry(
            id=self.ids.new("aud"),
            action=action,
            resource_type=resource_type,
            resource_id=resource_id,
            before=before,
            after=after,
            user_id=user_id,
            result=result,
            error=error,
        )

    def final_answer(
        self,
        shows: Shown,
        *,
        claim: IdempotencyClaim | None = None,
        first: bool = True,
    ) -> IdempotencyRecord | None:
        """The record of a final answer under the request's key; `None` if it carried none.

        Args:
            shows: the resource as this decision leaves it, or the refusal.
            claim: of the request that is answered; the trace's own by default.
            first: false when the key was written before, as `RUNNING`.
        """
        claim = claim or self.trace.idempotency
        if claim is None:
            return None
        return IdempotencyRecord(
            key=claim.key,
            fingerprint=claim.fingerprint,
            state=IdempotencyState.DONE,
            created_at=self.now,
            first=first,
            answer=OpenAnswer(shows, claim.action, self.trace.correlation_id, self.now),
        )

    def running(self, resource_type: str, resource_id: str) -> IdempotencyRecord | None:
        """The record of an operation that runs on; `None` if the request carried no key."""
        claim = self.trace.idempotency
        if claim is None:
            return None
        return IdempotencyRecord(
            key=claim.key,
            fingerprint=claim.fingerprint,
            state=IdempotencyState.RUNNING,
            created_at=self.now,
            first=True,
            resource_type=resource_type,
            resource_id=resource_id,
        )

    def forgotten(self, claim: IdempotencyClaim | None) -> IdempotencyRecord | None:
        """The record that lets the same key try again."""
        if claim is None:
            return None
        return IdempotencyRecord(
            key=claim.key,
            fingerprint=claim.fingerprint,
            state=IdempotencyState.RELEASED,
            created_at=self.now,
            first=False,
        )


def balance_credited(
    context: DecisionContext,
    user_id: str,
    amount: Money,
    *,
    source: str,
    reference: str,
    transaction_hash: str | None = None,
    order_id: str | None = None,
) -> Event:
    """The event of money that a balance has got; `source` as docs/spec/domain.md §6 lists them."""
    payload: dict[str, object] = {
        "userId": user_id,
        "amount": amount.two_places(),
        "source": source,
        "newBalance": BalanceAfter(user_id, Side.AVAILABLE),
        "reference": reference,
    }
    if transaction_hash is not None:
        payload["transactionHash"] = transaction_hash
    return context.event(
        "balance.credited", "Balance", user_id, payload, user_id=user_id, order_id=order_id
    )


def balance_debited(
    context: DecisionContext,
    user_id: str,
    amount: Money,
    *,
    destination: str,
    reference: str,
    order_id: str | None = None,
) -> Event:
    """The event of money that has left a balance; `destination` as docs/spec/domain.md §6 lists them."""
    return context.event(
        "balance.debited",
        "Balance",
        user_id,
        {
            "userId": user_id,
            "amount": amount.two_places(),
            "destination": destination,
            "newBalance": BalanceAfter(user_id, Side.AVAILABLE),
            "reference": reference,
        },
        user_id=user_id,
        order_id=order_id,
    )


def balance_reserved(
    context: DecisionContext,
    user_id: str,
    amount: Money,
    *,
    reference: str,
    order_id: str | None,
    history_of: str | None = None,
) -> Event:
    """The event of money that is set aside.

    Args:
        order_id: the order, or what the caller of a hold calls one.
        history_of: the order whose history the event belongs to: a hold belongs to none.
    """
    return context.event(
        "balance.reserved",
        "Balance",
        user_id,
        {
            "userId": user_id,
            "amount": amount.two_places(),
            "orderId": order_id,
            "reference": reference,
            "reservedBalance": BalanceAfter(user_id, Side.RESERVED),
            "availableBalance": BalanceAfter(user_id, Side.AVAILABLE),
        },
        user_id=user_id,
        order_id=history_of,
    )


def balance_released(
    context: DecisionContext,
    user_id: str,
    amount: Money,
    *,
    reference: str,
    reason: str,
    order_id: str | None,
    history_of: str | None = None,
) -> Event:
    """The event of money that was set aside and is the user's own again; args as above."""
    return context.event(
        "balance.released",
        "Balance",
        user_id,
        {
            "userId": user_id,
            "amount": amount.two_places(),
            "orderId": order_id,
            "reference": reference,
            "reason": reason,
            "availableBalance": BalanceAfter(user_id, Side.AVAILABLE),
        },
        user_id=user_id,
        order_id=history_of,
    )
