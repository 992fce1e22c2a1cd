"""The order actor: one order and its escrow; every transition passes here.

It is the table of an order's decisions; how they are loaded, committed and followed is the base's.
"""

from collections.abc import Callable
from typing import ClassVar, assert_never

from attrs import frozen

from actors.board import Board
from actors.failpoints import reach
from actors.messages import (
    AssignDispute,
    CancelOrder,
    CompleteMilestone,
    CreateOrder,
    OpenDispute,
    OrderMessage,
    RequestRefund,
    RequestRelease,
    ReserveFunds,
    ResolveDispute,
    SetDeadlines,
    StartEscrow,
    StartFunding,
)
from actors.owner import OwnerActor, OwnerParts
from offerhub.domain import dispute_decisions as disputes
from offerhub.domain import order_chain_decisions as chain_decisions
from offerhub.domain import order_chain_ends as chain_ends
from offerhub.domain import order_deadline_decisions as deadlines
from offerhub.domain import order_decisions as decisions
from offerhub.domain.api_keys import Scope, allows
from offerhub.domain.chain import ChainOperation
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.fees import FeeTerms
from offerhub.domain.limits import Limits
from offerhub.domain.money import Money
from offerhub.domain.order import MilestoneOf, Order, OrderStatus
from offerhub.domain.order_decisions import Decision
from offerhub.domain.order_states import Action
from offerhub.domain.order_steps import Parties
from offerhub.domain.order_transitions import Progress, asked_for
from offerhub.domain.trace import Trace
from offerhub.domain.users import WalletStatus


@frozen
class OrderParts:
    """What every order works with, beside what owners share.

    Args:
        pick_channel: address of a channel account; raises `WALLET_NOT_READY` if there is none.
        platform_address: address of the platform's wallet.
    """

    owner: OwnerParts
    board: Board[Order]
    limits: Limits
    currency: str
    fee_terms: FeeTerms
    platform_user_id: str
    platform_address: str
    usdc_issuer: str
    usdc_code: str
    pick_channel: Callable[[], str]


class OrderActor(OwnerActor[Order, OrderMessage]):
    """See the module."""

    kind = Order
    creates: ClassVar = CreateOrder

    def __init__(self, order_id: str, parts: OrderParts) -> None:
        super().__init__(order_id, parts.owner, parts.board)
        self._parts = parts

    async def decide(self, order: Order, message: OrderMessage) -> Decision:
        """The table: each message and its decision."""
        parts = self._parts
        context = self._core.context
        match message:
            case CompleteMilestone(ref, trace):
                return decisions.complete_milestone(order, ref, context(trace))
            case ReserveFunds(amount, trace):
                return decisions.reserve(order, amount, context(trace))
            case CancelOrder(by, reason, trace):
                return decisions.cancel(order, by, reason, context(trace))
            case SetDeadlines(expires_at, auto_release_at, trace):
                asked = deadlines.NewDeadlines(expires_at, auto_release_at)
                return deadlines.change_deadlines(order, asked, context(trace))
            case StartEscrow(trace):
                asked_for(order, Action.START_ESCROW)
                parties = await self._parties(order)
                channel = parts.pick_channel()
                return chain_decisions.start_escrow(
                    order, parts.fee_terms, channel, parties, context(trace)
                )
            case StartFunding(trace):
                asked_for(order, Action.START_FUNDING)
                parties = await self._parties(order)
                await self._owner.coverage.check(order.buyer_id, Money.zero())
                return chain_decisions.start_funding(order, parties, context(trace))
            case RequestRelease(by, reason, trace):
                asked_for(order, Action.REQUEST_RELEASE)
                parties = await self._parties(order)
                return chain_decisions.request_release(order, by, reason, parties, context(trace))
            case RequestRefund(by, reason, trace):
                return await self._refund(order, by, reason, context(trace))
            case OpenDispute() | AssignDispute() | ResolveDispute():
                return await self._about_dispute(order, message)
            case CreateOrder():
                raise TypeError(type(message))
            case _:
                assert_never(message)

    async def create(self, message: OrderMessage) -> Decision:
        """Create it between users that exist."""
        if not isinstance(message, CreateOrder):
            raise TypeError(type(message))
        users = await self._owner.user_cache.users([message.buyer_id, message.seller_id])
        for role, user_id in (("buyer", message.buyer_id), ("seller", message.seller_id)):
            if user_id not in users:
                raise DomainError(
                    ErrorCode.USER_NOT_FOUND,
                    f"the {role} does not exist",
                    {"userId": user_id, "role": role},
                )
        return decisions.create(
            decisions.CreateOrder(
                order_id=self._id,
                buyer_id=message.buyer_id,
                seller_id=message.seller_id,
                amount=message.amount,
                currency=self._parts.currency,
                title=message.title,
                description=message.description,
                client_order_ref=message.client_order_ref,
                milestones=message.milestones,
                metadata=message.metadata,
                expires_at=message.expires_at,
                auto_release_at=message.auto_release_at,
            ),
            self._parts.limits,
            self._parts.platform_user_id,
            self._core.context(message.trace),
        )

    async def _refund(
        self, order: Order, by: str | None, reason: str, context: DecisionContext
    ) -> Decision:
        """Before the funding nothing is on the chain; after it the contract is paid out."""
        if order.status is not OrderStatus.IN_PROGRESS:
            return decisions.refund_unfunded(order, by, reason, context)
        asked_for(order, Action.REQUEST_REFUND)
        parties = await self._parties(order)
        return chain_decisions.request_refund(order, by, reason, parties, context)

    async def _about_dispute(
        self, order: Order, message: OpenDispute | AssignDispute | ResolveDispute
    ) -> Decision:
        context = self._core.context(message.trace)
        match message:
            case OpenDispute():
                return await self._dispute(order, message, context)
            case AssignDispute(dispute_id, assigned_to, _):
                return disputes.assign(order, dispute_id, assigned_to, context)
            case ResolveDispute(dispute_id, resolution, _):
                parties = await self._parties(order)
                return disputes.resolve(order, dispute_id, resolution, parties, context)
            case _:
                assert_never(message)

    async def _dispute(
        self, order: Order, message: OpenDispute, context: DecisionContext
    ) -> Decision:
        """Anyone's way out of IN_PROGRESS, and an operator's out of a release that is stuck."""
        if order.status is OrderStatus.RELEASE_REQUESTED and allows(message.scopes, Scope.SUPPORT):
            # Read anew: the lane may have signed it since.
            step = await self._core.storage.load(ChainOperation, order.chain_operation_id or "")
            if step is None:
                raise TypeError(order.chain_operation_id)
            parties = await self._parties(order)
            return disputes.dispute_release(order, message.said, step, parties, context)
        asked_for(order, Action.OPEN_DISPUTE)
        if not allows(message.scopes, Scope.WRITE):
            raise DomainError(
                ErrorCode.INSUFFICIENT_SCOPE,
                "the key lacks the scope write; support disputes a release only",
                {
                    "requiredScope": Scope.WRITE.value,
                    "currentScopes": [scope.value for scope in message.scopes],
                },
            )
        return disputes.open_dispute(order, message.said, await self._parties(order), context)

    async def look(self) -> None:
        """What every owner looks at; before it, whoever a dispute has left without an answer."""
        await self._repeated(self._answer_superseded)
        await super().look()

    async def _answer_superseded(self, order: Order) -> Decision | None:
        if order.unanswered is None:
            return None
        context = self._core.context(Trace.system("dispute", self._core.ids.new("req")))
        reach("order.before_answer.release")
        return disputes.answer_superseded(order, context)

    async def operation_ended(self, order: Order, operation: ChainOperation) -> Decision | None:
        """The next step, the effects, another attempt, or a fall back."""
        process = order.process
        if process is None:
            return None
        return chain_ends.operation_ended(
            order,
            operation,
            await self._parties(order),
            self.retry_policy(),
            self._core.context(process.trace),
        )

    async def deadline(self, order: Order) -> Decision | None:
        """Expire or release it; a command that came before the deadline has had its way."""
        if not deadlines.is_due(order, self._core.now()):
            return None
        context = self._core.context(Trace.system("timer", self._core.ids.new("req")))
        if deadlines.releases(order):
            decision = deadlines.auto_release(order, await self._parties(order), context)
        else:
            decision = deadlines.expire(order, context)
        reach("order.before_deadline")
        return decision

    def answer(self, message: OrderMessage, order: Order) -> object:
        """The order, or what of it a message is about."""
        if isinstance(message, CompleteMilestone):
            found = next(each for each in order.milestones if each.ref == message.ref)
            return MilestoneOf(order.id, found)
        if isinstance(message, AssignDispute):
            return order.dispute
        return order

    def not_found(self) -> DomainError:
        """The refusal of an unknown id."""
        return DomainError(ErrorCode.ORDER_NOT_FOUND, "no order has this id", {"orderId": self._id})

    async def refusal(self, refused: DomainError, order: Order) -> DomainError:
        """Fill the hash of the operation on the way into a refusal's `progress`."""
        if "progress" in refused.details and order.process is not None:
            operation = await self._core.storage.load(
                ChainOperation, order.process.chain_operation_id
            )
            refused.details["progress"] = Progress(order, operation)
        return refused

    async def _parties(self, order: Order) -> Parties:
        wallets = await self._owner.user_cache.wallets([order.buyer_id, order.seller_id])
        buyer, seller = wallets[order.buyer_id], wallets[order.seller_id]
        for role, wallet in (("buyer", buyer), ("seller", seller)):
            if wallet.status is not WalletStatus.ACTIVE:
                raise DomainError(
                    ErrorCode.WALLET_NOT_READY,
                    f"the {role}'s wallet is not active on the network yet",
                    {"userId": wallet.user_id, "role": role},
                )
        return Parties(
            buyer=buyer.public_key,
            seller=seller.public_key,
            platform=self._parts.platform_address,
            usdc_issuer=self._parts.usdc_issuer,
            usdc_code=self._parts.usdc_code,
        )
