"""Orders: what is asked of them goes to their actor, what they are is read from its snapshot."""

from typing import Final

import msgspec

from actors.messages import (
    CancelOrder,
    CompleteMilestone,
    CreateOrder,
    OpenDispute,
    RequestRefund,
    RequestRelease,
    ReserveFunds,
    SetDeadlines,
    StartEscrow,
    StartFunding,
)
from offerhub.domain import dispute_decisions
from offerhub.domain.api_keys import Scope
from offerhub.domain.chain import ChainOperation
from offerhub.domain.errors import DomainError
from offerhub.domain.errors import ErrorCode as E
from offerhub.domain.order import Milestone, MilestoneOf, Order
from storage.port import OrderFilter, UnknownCursor
from web import bodies, resources
from web.answers import final, now, now_rendered, page
from web.call import Answer, Call, Route
from web.field_errors import field_error
from web.long_operations import dispute_on_chain, order_on_chain, shown
from web.rendering import render_milestone, render_order
from web.schema import Schema


async def create(call: Call) -> Answer:
    """Create an order."""
    body = call.body_as(bodies.NewOrder)
    order_id = call.system.ids.new("ord")
    order = await call.system.orders.address(order_id).ask(
        CreateOrder(
            buyer_id=body.buyer_id,
            seller_id=body.seller_id,
            amount=body.amount,
            title=body.title,
            description=body.description,
            client_order_ref=body.client_order_ref,
            milestones=tuple(
                Milestone(ref=each.ref, title=each.title, amount=each.amount)
                for each in body.milestones
            ),
            metadata=body.metadata or {},
            expires_at=body.expires_at,
            auto_release_at=body.auto_release_at,
            trace=call.trace,
        )
    )
    return final(call, order, order.updated_at)


async def show(call: Call) -> Answer:
    """One order: the snapshot of its last commit, or storage."""
    order = await _order(call)
    if order.process is None:
        return now_rendered(call, call.renderings.of(order))
    return now(call, await shown(call, order))


async def listed(call: Call) -> Answer:
    """A page of orders."""
    query = call.query_as(bodies.OrderQuery)
    where = OrderFilter(
        status=None if query.status is None else query.status.value,
        buyer_id=query.buyer_id,
        seller_id=query.seller_id,
        client_order_ref=query.client_order_ref,
        created_after=query.created_after,
        created_before=query.created_before,
    )
    storage = call.system.storage
    try:
        found = await storage.orders(where, query.cursor, query.limit)
    except UnknownCursor:
        raise unknown_cursor() from None
    running = [each.process.chain_operation_id for each in found.items if each.process is not None]
    operations = await storage.load_many(ChainOperation, running) if running else {}
    return page(
        call,
        [
            render_order(
                each,
                None if each.process is None else operations.get(each.process.chain_operation_id),
            )
            for each in found.items
        ],
        found.next_cursor,
    )


async def reserve(call: Call) -> Answer:
    """Reserve the order's amount from the buyer's available."""
    message = ReserveFunds(call.body_as(bodies.Reservation).amount, call.trace)
    order = await call.system.orders.address(_id(call)).ask(message)
    return final(call, order, order.updated_at)


async def cancel(call: Call) -> Answer:
    """Close the order before its escrow."""
    body = call.body_as(bodies.Cancellation)
    message = CancelOrder(body.canceled_by, body.reason, call.trace)
    order = await call.system.orders.address(_id(call)).ask(message)
    return final(call, order, order.updated_at)


async def deadlines(call: Call) -> Answer:
    """Set deadlines of the order, or move them to a later time."""
    body = call.body_as(bodies.Deadlines)
    message = SetDeadlines(body.expires_at, body.auto_release_at, call.trace)
    order = await call.system.orders.address(_id(call)).ask(message)
    return final(call, order, order.updated_at)


async def escrow(call: Call) -> Answer:
    """Deploy the order's contract."""
    return await order_on_chain(call, _id(call), StartEscrow(call.trace))


async def fund(call: Call) -> Answer:
    """Fund the order's contract."""
    return await order_on_chain(call, _id(call), StartFunding(call.trace))


async def release(call: Call) -> Answer:
    """Release the money to the seller."""
    body = call.body_as(bodies.ReleaseRequest)
    message = RequestRelease(body.requested_by, body.reason, call.trace)
    return await order_on_chain(call, _id(call), message)


async def refund(call: Call) -> Answer:
    """Give the money back to the buyer."""
    body = call.body_as(bodies.RefundRequest)
    message = RequestRefund(body.requested_by, body.reason, call.trace)
    return await order_on_chain(call, _id(call), message)


async def dispute(call: Call) -> Answer:
    """Freeze the money and open a dispute about it."""
    body = call.body_as(bodies.NewDispute)
    said = dispute_decisions.OpenDispute(body.opened_by, body.reason, body.evidence)
    scopes = () if call.caller is None else call.caller.scopes
    return await dispute_on_chain(call, _id(call), OpenDispute(said, scopes, call.trace))


async def milestones(call: Call) -> Answer:
    """The order's milestones."""
    order = await _order(call)
    return page(call, [render_milestone(MilestoneOf(order.id, each)) for each in order.milestones])


async def complete(call: Call) -> Answer:
    """Record that the seller has completed a milestone."""
    completed = await call.system.orders.address(_id(call)).ask(
        CompleteMilestone(call.params["ref"], call.trace)
    )
    # The commit that completed it stamped the milestone: a replay has the same moment.
    at = completed.milestone.completed_at or call.system.clock()
    return final(call, completed, at)


async def history(call: Call) -> Answer:
    """The order's events, newest first."""
    query = call.query_as(bodies.Page)
    order = await _order(call)
    try:
        found = await call.system.storage.order_events(order.id, query.cursor, query.limit)
    except UnknownCursor:
        raise unknown_cursor() from None
    return page(call, [msgspec.Raw(each.body.encode()) for each in found.items], found.next_cursor)


def unknown_cursor() -> DomainError:
    """The refusal of a cursor that is none of the list's."""
    return field_error("cursor", "is not a cursor of this list")


def _id(call: Call) -> str:
    return call.id("id", "ord", E.ORDER_NOT_FOUND)


async def _order(call: Call) -> Order:
    order_id = _id(call)
    order = call.system.order_board.get(order_id)
    if order is None:
        order = await call.system.storage.load(Order, order_id)
    if order is None:
        raise DomainError(E.ORDER_NOT_FOUND, "no order has this id")
    return order


_MOVE: Final = (E.ORDER_NOT_FOUND, E.INVALID_STATE_TRANSITION)
_CHAIN: Final = (*_MOVE, E.PROVIDER_ERROR)

ROUTES: Final = (
    Route(
        "POST",
        "/orders",
        "createOrder",
        create,
        "Create an order",
        resources.Order,
        "Orders",
        Scope.WRITE,
        status=201,
        body=Schema(bodies.NewOrder),
        action="order.create",
        codes=(
            E.INVALID_AMOUNT_FORMAT,
            E.INVALID_CURRENCY,
            E.USER_NOT_FOUND,
            E.AMOUNT_OUT_OF_LIMITS,
            E.SAME_USER,
            E.CLIENT_ORDER_REF_TAKEN,
        ),
    ),
    Route(
        "GET",
        "/orders",
        "listOrders",
        listed,
        "List orders",
        resources.Order,
        "Orders",
        Scope.READ,
        listed=True,
        query=Schema(bodies.OrderQuery),
    ),
    Route(
        "GET",
        "/orders/<id>",
        "getOrder",
        show,
        "Show an order",
        resources.Order,
        "Orders",
        Scope.READ,
        codes=(E.ORDER_NOT_FOUND,),
    ),
    Route(
        "POST",
        "/orders/<id>/reserve",
        "reserveOrder",
        reserve,
        "Reserve the order's amount",
        resources.Order,
        "Orders",
        Scope.WRITE,
        body=Schema(bodies.Reservation),
        action="order.reserve",
        codes=(
            *_MOVE,
            E.INVALID_AMOUNT_FORMAT,
            E.FUNDS_ALREADY_RESERVED,
            E.INSUFFICIENT_FUNDS,
            E.RESERVE_MISMATCH_AMOUNT,
        ),
    ),
    Route(
        "POST",
        "/orders/<id>/cancel",
        "cancelOrder",
        cancel,
        "Cancel an order before its escrow",
        resources.Order,
        "Orders",
        Scope.WRITE,
        body=Schema(bodies.Cancellation),
        action="order.cancel",
        codes=_MOVE,
    ),
    Route(
        "POST",
        "/orders/<id>/deadlines",
        "setOrderDeadlines",
        deadlines,
        "Set deadlines of an order, or move them to a later time",
        resources.Order,
        "Orders",
        Scope.WRITE,
        body=Schema(bodies.Deadlines),
        action="order.deadlines",
        codes=(*_MOVE, E.DEADLINE_PASSED, E.DEADLINE_NOT_LATER),
    ),
    Route(
        "POST",
        "/orders/<id>/escrow",
        "createEscrow",
        escrow,
        "Deploy the order's escrow contract",
        resources.Order,
        "Escrow",
        Scope.WRITE,
        long=True,
        action="order.escrow",
        codes=(*_CHAIN, E.ESCROW_ALREADY_EXISTS, E.WALLET_NOT_READY),
    ),
    Route(
        "POST",
        "/orders/<id>/escrow/fund",
        "fundEscrow",
        fund,
        "Fund the order's escrow contract",
        resources.Order,
        "Escrow",
        Scope.WRITE,
        long=True,
        action="order.fund",
        codes=(*_CHAIN, E.ESCROW_INSUFFICIENT_FUNDS, E.WALLET_NOT_READY),
    ),
    Route(
        "GET",
        "/orders/<id>/milestones",
        "listMilestones",
        milestones,
        "List the order's milestones",
        resources.Milestone,
        "Orders",
        Scope.READ,
        listed=True,
        codes=(E.ORDER_NOT_FOUND,),
    ),
    Route(
        "POST",
        "/orders/<id>/milestones/<ref>/complete",
        "completeMilestone",
        complete,
        "Complete a milestone",
        resources.Milestone,
        "Orders",
        Scope.WRITE,
        action="milestone.complete",
        codes=(*_MOVE, E.MILESTONE_NOT_FOUND, E.MILESTONE_ALREADY_COMPLETED),
    ),
    Route(
        "POST",
        "/orders/<id>/resolution/release",
        "releaseOrder",
        release,
        "Release the money to the seller",
        resources.Order,
        "Resolution",
        Scope.WRITE,
        long=True,
        body=Schema(bodies.ReleaseRequest),
        action="order.release",
        codes=(*_MOVE, E.MILESTONES_OPEN),
    ),
    Route(
        "POST",
        "/orders/<id>/resolution/refund",
        "refundOrder",
        refund,
        "Refund the buyer",
        resources.Order,
        "Resolution",
        Scope.WRITE,
        long=True,
        body=Schema(bodies.RefundRequest),
        action="order.refund",
        codes=_MOVE,
    ),
    Route(
        "POST",
        "/orders/<id>/resolution/dispute",
        "disputeOrder",
        dispute,
        "Open a dispute about the order's money",
        resources.Dispute,
        "Resolution",
        Scope.WRITE,
        or_scope=Scope.SUPPORT,
        status=201,
        long=True,
        body=Schema(bodies.NewDispute),
        action="order.dispute",
        codes=(*_MOVE, E.DISPUTE_ALREADY_OPEN, E.WALLET_NOT_READY),
    ),
    Route(
        "GET",
        "/orders/<id>/events",
        "listOrderEvents",
        history,
        "The order's history",
        resources.Event,
        "Orders",
        Scope.READ,
        listed=True,
        query=bodies.PAGE,
        codes=(E.ORDER_NOT_FOUND, E.HISTORY_DETACHED),
    ),
)
