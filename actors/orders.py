"""The order actor: one order and its escrow; every transition passes here (DESIGN.md).

A command is decided by the domain and committed whole; then the order's snapshot stands on the
board. Work on the chain is handed to the lane of the step's source account. When it has ended, the
lane sets a wake-up, and the order reads from storage what happened.
"""

from collections.abc import Awaitable, Callable
from typing import Final, assert_never

import structlog
from attrs import frozen

from actors.balances import CommitDebit, balance_limit
from actors.board import Board
from actors.directory import Directory
from actors.failpoints import reach
from actors.journal import Journal
from actors.kernel import Registry
from actors.messages import (
    CancelOrder,
    CompleteMilestone,
    CreateOrder,
    OrderMessage,
    RequestRefund,
    RequestRelease,
    ReserveFunds,
    SetDeadlines,
    StartEscrow,
    StartFunding,
)
from actors.patience import WokenActor, refusing_when_away
from offerhub.domain import order_chain_decisions as chain_decisions
from offerhub.domain import order_chain_ends as chain_ends
from offerhub.domain import order_deadline_decisions as deadlines
from offerhub.domain import order_decisions as decisions
from offerhub.domain import order_moves
from offerhub.domain.chain import ChainOperation
from offerhub.domain.chain_moves import RetryPolicy
from offerhub.domain.deciding import Deciding
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.fees import FeeTerms
from offerhub.domain.ids import Clock, Ids
from offerhub.domain.limits import Limits
from offerhub.domain.order import Milestone, Order, OrderStatus
from offerhub.domain.order_decisions import Decision
from offerhub.domain.order_moves import Progress
from offerhub.domain.order_states import Action
from offerhub.domain.order_steps import Parties
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import CommitOutcome, Committed, RefusalKind, Refused
from offerhub.domain.users import Wallet, WalletStatus
from storage.port import Storage

log = structlog.get_logger(__name__)

_CONFLICTS_MAX: Final = 5


@frozen
class OrderParts:
    """What every order works with.

    Args:
        creating: ids that were made a moment ago and are not in storage.
        pick_channel: address of a channel account; raises `WALLET_NOT_READY` if there is none.
        platform_address: address of the platform's wallet.
    """

    storage: Storage
    journal: Journal
    balances: Registry[str, CommitDebit]
    board: Board[Order]
    operations: Board[ChainOperation]
    directory: Directory
    now: Clock
    ids: Ids
    random: Callable[[], float]
    limits: Limits
    currency: str
    fee_terms: FeeTerms
    attempts_max: int
    platform_user_id: str
    platform_address: str
    usdc_issuer: str
    usdc_code: str
    pick_channel: Callable[[], str]


class Conflict(Exception):
    """The order was written elsewhere again and again: this actor's state is not the latest."""


class OrderActor(WokenActor[OrderMessage]):
    """See the module."""

    def __init__(self, order_id: str, parts: OrderParts) -> None:
        self._id = order_id
        self._parts = parts
        self._order: Order | None = None

    async def handle(self, message: OrderMessage) -> object:
        """Decide one command and commit it."""
        with refusing_when_away():
            return await self._handle(message)

    async def _handle(self, message: OrderMessage) -> object:
        match message:
            case CreateOrder():
                return await self._create(message)
            case CompleteMilestone(ref, trace):
                after = await self._decided(
                    lambda order: decisions.complete_milestone(order, ref, self._deciding(trace))
                )
                return _milestone(after, ref)
            case ReserveFunds(amount, trace):
                return await self._decided(
                    lambda order: decisions.reserve(order, amount, self._deciding(trace))
                )
            case CancelOrder(canceled_by, reason, trace):
                return await self._decided(
                    lambda order: decisions.cancel(
                        order, canceled_by, reason, self._deciding(trace)
                    )
                )
            case SetDeadlines(expires_at, auto_release_at, trace):
                asked = deadlines.NewDeadlines(expires_at, auto_release_at)
                return await self._decided(
                    lambda order: deadlines.change_deadlines(order, asked, self._deciding(trace))
                )
            case StartEscrow(trace):
                return await self._start_escrow(trace)
            case StartFunding(trace):
                return await self._start_funding(trace)
            case RequestRelease():
                return await self._release(message)
            case RequestRefund():
                return await self._refund(message)
            case _:
                assert_never(message)

    async def look(self) -> None:
        """Take the end of the present chain operation, or what a deadline that is due asks for."""
        order = await self._loaded()
        if order is None or order.process is None:
            await self._take_deadline()
            return
        operation_id = order.process.chain_operation_id
        # What the lane has ended stands on the board and never changes again.
        operation = self._parts.operations.get(operation_id)
        if operation is None or operation.is_open:
            operation = await self._parts.storage.load(ChainOperation, operation_id)
        if operation is None:
            log.error("order.operation_missing", order=self._id, operation=operation_id)
            return
        if operation.is_open:
            return
        reach(f"order.before_effects.{operation.step}")
        await self._take_end(operation)
        reach(f"order.after_effects.{operation.step}")

    # Commands.

    async def _create(self, message: CreateOrder) -> Order:
        users = await self._parts.directory.users([message.buyer_id, message.seller_id])
        for role, user_id in (("buyer", message.buyer_id), ("seller", message.seller_id)):
            if user_id not in users:
                raise DomainError(
                    ErrorCode.USER_NOT_FOUND,
                    f"the {role} does not exist",
                    {"userId": user_id, "role": role},
                )
        decision = decisions.create(
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
            self._deciding(message.trace),
        )
        if not await self._commit(decision):
            msg = f"{self._id} exists already"
            raise Conflict(msg)
        return decision.order

    async def _start_escrow(self, trace: Trace) -> Order:
        async def decide(order: Order) -> Decision:
            order_moves.asked_for(order, Action.START_ESCROW)
            parties = await self._parties(order)
            return chain_decisions.start_escrow(
                order,
                self._parts.fee_terms,
                self._parts.pick_channel(),
                parties,
                self._deciding(trace),
            )

        return await self._decided_with(decide)

    async def _start_funding(self, trace: Trace) -> Order:
        async def decide(order: Order) -> Decision:
            order_moves.asked_for(order, Action.START_FUNDING)
            parties = await self._parties(order)
            return chain_decisions.start_funding(order, parties, self._deciding(trace))

        return await self._decided_with(decide)

    async def _release(self, message: RequestRelease) -> Order:
        async def decide(order: Order) -> Decision:
            order_moves.asked_for(order, Action.REQUEST_RELEASE)
            parties = await self._parties(order)
            return chain_decisions.request_release(
                order,
                message.requested_by,
                message.reason,
                parties,
                self._deciding(message.trace),
            )

        return await self._decided_with(decide)

    async def _refund(self, message: RequestRefund) -> Order:
        def decide(order: Order) -> Decision:
            if order.status is OrderStatus.IN_PROGRESS:
                raise DomainError(
                    ErrorCode.SERVICE_UNAVAILABLE,
                    "a refund of a funded escrow is not available in this version",
                    {
                        "orderId": order.id,
                        "currentState": order.status.value,
                        "retryable": False,
                    },
                )
            return decisions.refund_unfunded(
                order, message.requested_by, message.reason, self._deciding(message.trace)
            )

        return await self._decided(decide)

    # What time brings.

    async def _take_deadline(self) -> None:
        """Do what a deadline that is due asks for; a command that came before it has had its way."""
        for _ in range(_CONFLICTS_MAX):
            order = await self._loaded()
            if order is None or not deadlines.is_due(order, self._parts.now()):
                return
            deciding = self._deciding(Trace.system("timer", self._parts.ids.new("req")))
            if deadlines.releases(order):
                decision = deadlines.auto_release(order, await self._parties(order), deciding)
            else:
                decision = deadlines.expire(order, deciding)
            reach("order.before_deadline")
            if await self._commit(decision):
                return
        raise Conflict(self._id)

    # The chain's answers.

    async def _take_end(self, operation: ChainOperation) -> None:
        ended = operation

        async def decide(order: Order) -> Decision | None:
            process = order.process
            if process is None:
                return None
            return chain_ends.operation_ended(
                order,
                ended,
                await self._parties(order),
                RetryPolicy(self._parts.attempts_max, self._parts.random()),
                self._deciding(process.trace),
            )

        for _ in range(_CONFLICTS_MAX):
            order = await self._loaded()
            decision = None if order is None else await decide(order)
            if decision is None:
                return
            if await self._commit(decision):
                return
        raise Conflict(self._id)

    # What every command shares.

    async def _decided(self, decide: Callable[[Order], Decision]) -> Order:
        async def decide_now(order: Order) -> Decision:
            return decide(order)

        return await self._decided_with(decide_now)

    async def _decided_with(self, decide: Callable[[Order], Awaitable[Decision]]) -> Order:
        """Decide on the latest state and commit; someone else's commit makes it decide again."""
        for _ in range(_CONFLICTS_MAX):
            order = await self._loaded()
            if order is None:
                raise DomainError(ErrorCode.ORDER_NOT_FOUND, "no such order", {"orderId": self._id})
            try:
                decision = await decide(order)
            except DomainError as refusal:
                raise await self._with_progress(refusal, order) from None
            if await self._commit(decision):
                return decision.order
        raise Conflict(self._id)

    async def _with_progress(self, refusal: DomainError, order: Order) -> DomainError:
        """Fill the hash of the operation on the way into a refusal's `progress`."""
        if "progress" in refusal.details and order.process is not None:
            operation = await self._parts.storage.load(
                ChainOperation, order.process.chain_operation_id
            )
            refusal.details["progress"] = Progress(order, operation)
        return refusal

    async def _commit(self, decision: Decision) -> bool:
        """Commit a decision; false if the order was written elsewhere meanwhile."""
        outcome: CommitOutcome
        if decision.debits is not None:
            outcome = await self._parts.balances.address(decision.debits).ask(
                CommitDebit(decision.unit), timeout_s=float("inf")
            )
        else:
            outcome = await self._parts.journal.commit(decision.unit)
        match outcome:
            case Committed():
                self._order = decision.order
                return True
            case Refused(RefusalKind.CONFLICT):
                self._order = None
                return False
            case Refused():
                raise refused(outcome)

    async def _loaded(self) -> Order | None:
        if self._order is None:
            self._found(await self._parts.storage.load(Order, self._id))
        return self._order

    def _found(self, order: Order | None) -> None:
        # A child task reads too: what was committed meanwhile is newer than what it found.
        if self._order is None and order is not None:
            self._order = order
            self._parts.board.put(self._id, order)

    async def _wallets(self, order: Order) -> tuple[Wallet, Wallet]:
        wallets = await self._parts.directory.wallets([order.buyer_id, order.seller_id])
        return wallets[order.buyer_id], wallets[order.seller_id]

    async def _parties(self, order: Order) -> Parties:
        buyer, seller = await self._wallets(order)
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

    def _deciding(self, trace: Trace) -> Deciding:
        return Deciding(self._parts.now(), self._parts.ids, trace)


def refused(outcome: Refused) -> Exception:
    """What a refusal of storage is to the caller: a domain error, or a fault of ours."""
    if outcome.kind is RefusalKind.LIMIT:
        return balance_limit()
    if outcome.kind is RefusalKind.TAKEN and outcome.subject == "client_order_ref":
        return DomainError(
            ErrorCode.CLIENT_ORDER_REF_TAKEN, "another order has this clientOrderRef"
        )
    if outcome.kind is RefusalKind.TAKEN and outcome.subject == "idempotency_key":
        return DomainError(
            ErrorCode.IDEMPOTENCY_KEY_IN_PROGRESS, "the first request with this key is running"
        )
    return Conflict(str(outcome))


def _milestone(order: Order, ref: str) -> Milestone:
    return next(milestone for milestone in order.milestones if milestone.ref == ref)
