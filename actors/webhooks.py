"""Webhooks: kept when they come, worked on when they are due, a few at a time.

The timer wakes this actor for each that is due, after a start too, so none waits in memory. To work
on one is to look at its contract: the lanes of its order's open operations look at the chain, and
what the provider reads there is compared with what our books say.
"""

from collections.abc import Callable, Hashable
from typing import Final

import structlog
import trio
from attrs import frozen

from actors.core import Core
from actors.failpoints import reach
from actors.messages import ReceiveWebhook
from actors.outages import WokenActor, refuse_while_unavailable
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.order import Order
from offerhub.domain.parked import Parked
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import RefusalKind, Refused
from offerhub.domain.webhook import Webhook, WebhookStatus
from offerhub.domain.webhook_decisions import ContractSeen, Finding, done, failed, judge, receive
from offerhub.providers.trustless_work.port import EscrowProvider, ProviderUnavailable

AT_ONCE: Final = 4
"""Webhooks that are worked on at once; the others wait for their turn."""

_LOOK_S: Final = 60.0

log = structlog.get_logger(__name__)


@frozen
class WebhookParts:
    """What the actor works with.

    Args:
        look: has an order and the lane of one of its operations look at the chain; never waits.
    """

    core: Core
    provider: EscrowProvider
    look: Callable[[str, str], None]


class Webhooks(WokenActor[ReceiveWebhook]):
    """Takes webhooks that the edge has checked the signature of."""

    def __init__(self, parts: WebhookParts) -> None:
        self._parts = parts
        self._at_work: set[str] = set()
        self._turn = trio.CapacityLimiter(AT_ONCE)

    async def handle(self, message: ReceiveWebhook) -> bool:
        """Keep a webhook; whether it came before, and nothing more happens."""
        core = self._parts.core
        context = core.context(message.trace)
        webhook = Webhook(
            id=context.ids.new("whk"),
            version=1,
            source=message.source,
            event_id=message.event_id,
            type=message.type,
            contract_id=message.contract_id,
            body=message.body,
            correlation_id=message.trace.correlation_id,
            created_at=context.now,
            updated_at=context.now,
            not_before=context.now,
        )
        with refuse_while_unavailable():
            outcome = await core.journal.commit(receive(webhook, context))
        if not isinstance(outcome, Refused):
            reach("webhook.after_receive")
            return False
        if outcome.kind is RefusalKind.TAKEN:
            return True
        raise DomainError(ErrorCode.SERVICE_UNAVAILABLE, "the webhook could not be kept")

    async def woken(self, keys: frozenset[Hashable]) -> None:
        """Work on the webhooks with these ids; one that is at work already is left to it."""
        for key in sorted(str(key) for key in keys):
            if key not in self._at_work:
                self._at_work.add(key)
                self.spawn_best_effort(self._work, key)

    async def _work(self, webhook_id: str) -> None:
        try:
            async with self._turn:
                await self._look_into(webhook_id)
        finally:
            self._at_work.discard(webhook_id)

    async def _look_into(self, webhook_id: str) -> None:
        core = self._parts.core
        webhook = await core.storage.load(Webhook, webhook_id)
        if webhook is None or webhook.status is not WebhookStatus.RECEIVED:
            return
        if webhook.not_before is None or webhook.not_before > core.now():
            return
        order = await self._order_of(webhook.contract_id)
        context = core.context(Trace.system("webhooks", webhook.correlation_id))
        finding = judge(order, None)
        if order is not None and finding is not Finding.UNKNOWN:
            try:
                seen = await self._see(order, webhook.contract_id)
            except ProviderUnavailable as error:
                unit = failed(webhook, error.reason[:200], context)
                await core.commit_with_retries(unit)
                if any(isinstance(entity, Parked) for entity in unit.writes):
                    log.error("webhook.parked", webhook=webhook.id, reason=error.reason)  # noqa: TRY400 - the reason says it all
                return
            # The order may have moved while the provider was asked.
            order = await core.storage.load(Order, order.id)
            finding = judge(order, seen)
        reach("webhook.before_done")
        await core.commit_with_retries(
            done(webhook, finding, None if order is None else order.id, context)
        )
        reach("webhook.after_done")
        if finding is Finding.DIFFERS:
            log.error("webhook.contract_differs", webhook=webhook.id, order=order and order.id)

    async def _order_of(self, contract_id: str) -> Order | None:
        storage = self._parts.core.storage
        found = await storage.order_ids_by_contract([contract_id])
        order_id = found.get(contract_id)
        return None if order_id is None else await storage.load(Order, order_id)

    async def _see(self, order: Order, contract_id: str) -> ContractSeen | None:
        """Have the lanes of an order look, and read its contract.

        Raises `ProviderUnavailable`, also while the provider does not know the contract.
        """
        for operation in await self._parts.core.storage.operations_of(order.id):
            if operation.is_open:
                self._parts.look(order.id, operation.source)
        try:
            with trio.fail_after(_LOOK_S):
                record = await self._parts.provider.escrow(contract_id)
        except trio.TooSlowError:
            raise ProviderUnavailable("the provider did not answer in time") from None
        if record is None:
            raise ProviderUnavailable("the provider does not know the contract")
        return ContractSeen(record.disputed, record.released, record.resolved)
