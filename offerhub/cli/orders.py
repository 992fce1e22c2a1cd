"""`offerhub orders`: orders as they stand, and what an operator can do about one that is stuck."""

from datetime import datetime, timedelta
from typing import Final

import click
import msgspec

from actors.order_commands import ACCEPT_PAYOUT, DISPUTE, RETRY
from offerhub import app
from offerhub.cli.commanding import send
from offerhub.cli.failures import CommandFailed
from offerhub.cli.output import json_option, print_done, print_fields, print_rows
from offerhub.cli.start import load_or_exit
from offerhub.cli.storage import with_storage
from offerhub.domain.chain import ChainOperation, Subject
from offerhub.domain.chain_moves import ALARM_AFTER
from offerhub.domain.dispute import DisputeReason, Party
from offerhub.domain.money import Money
from offerhub.domain.order import Order, OrderStatus
from storage.port import OrderFilter, Page, Storage, UnknownCursor
from web.rendering import render_order

_COLUMNS: Final = {
    "id": "order",
    "status": "status",
    "amount": "amount",
    "buyerId": "buyer",
    "sellerId": "seller",
    "createdAt": "created",
    "outcome": "outcome",
}
_STUCK: Final = {
    "orderId": "order",
    "status": "status",
    "reason": "reason",
    "step": "step",
    "operationId": "operation",
    "since": "since",
    "lastError": "last error",
    "command": "what settles it",
}
_BATCH: Final = 500


@click.group("orders")
def orders_group() -> None:
    """Look at orders, have one that is stuck tried again, or disputed."""


@orders_group.command("list")
@click.option("--status", type=click.Choice([status.value for status in OrderStatus]))
@click.option("--buyer", help="A user's id.")
@click.option("--seller", help="A user's id.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--after", "cursor", help="The last order of the page before.")
@json_option
def list_command(
    status: str | None,
    buyer: str | None,
    seller: str | None,
    limit: int,
    cursor: str | None,
    *,
    as_json: bool,
) -> None:
    """List orders, newest first."""
    where = OrderFilter(status=status, buyer_id=buyer, seller_id=seller)

    async def read(storage: Storage) -> Page[Order]:
        return await storage.orders(where, cursor, limit)

    try:
        page = with_storage(load_or_exit(quiet=True), read)
    except UnknownCursor:
        msg = "no order of this list has that id"
        raise CommandFailed(msg) from None
    print_rows([_shown(order) for order in page.items], _COLUMNS, as_json=as_json)
    if page.next_cursor is not None:
        click.echo(f"there are more: --after {page.next_cursor}", err=True)


@orders_group.command("show")
@click.argument("order_id")
@json_option
def show_command(order_id: str, *, as_json: bool) -> None:
    """Show an order with its work on the chain."""

    async def read(storage: Storage) -> tuple[Order | None, list[ChainOperation]]:
        return await storage.load(Order, order_id), list(await storage.operations_of(order_id))

    order, operations = with_storage(load_or_exit(quiet=True), read)
    if order is None:
        msg = "no order has this id"
        raise CommandFailed(msg, code="ORDER_NOT_FOUND")
    fields = _shown(order)
    fields["operations"] = [_operation(operation) for operation in operations]
    if as_json:
        print_fields(fields, as_json=True)
        return
    steps = fields.pop("operations")
    print_fields(fields, as_json=False)
    if isinstance(steps, list) and steps:
        click.echo()
        print_rows(steps, {name: name for name in steps[0]}, as_json=False)


@orders_group.command("stuck")
@click.option(
    "--older-than",
    "minutes",
    type=click.IntRange(0),
    default=30,
    show_default=True,
    help="Minutes from which on an open step counts, whatever it says.",
)
@json_option
def stuck_command(minutes: int, *, as_json: bool) -> None:
    """List orders whose work on the chain does not come to an end, with what settles each.

    Exits 1 if there are any.
    """
    now = app.utc_now()

    async def read(storage: Storage) -> list[dict[str, object]]:
        return await stuck(storage, now, timedelta(minutes=minutes))

    rows = with_storage(load_or_exit(quiet=True), read)
    print_rows(rows, _STUCK, as_json=as_json)
    if rows:
        raise SystemExit(1)


@orders_group.command("retry")
@click.argument("order_id")
@json_option
def retry_command(order_id: str, *, as_json: bool) -> None:
    """Try the pending chain operation of an order now, instead of after its pause."""
    done = send(load_or_exit(quiet=True), RETRY, {"orderId": order_id})
    print_done(
        f"{order_id}: {done['step']} (attempt {done['attempt']}) is tried again now",
        done,
        as_json=as_json,
    )


@orders_group.command("dispute")
@click.argument("order_id")
@click.option(
    "--opened-by",
    type=click.Choice([each.value.lower() for each in Party]),
    default=Party.BUYER.value.lower(),
    show_default=True,
    help="The side whose wallet signs for it.",
)
@click.option(
    "--reason",
    type=click.Choice([each.value.lower() for each in DisputeReason]),
    default=DisputeReason.OTHER.value.lower(),
    show_default=True,
)
@json_option
def dispute_command(order_id: str, opened_by: str, reason: str, *, as_json: bool) -> None:
    """Open a dispute about an order whose release does not come about.

    Refused while something of the release may still reach the chain. Afterwards the dispute is
    resolved as any other: POST /disputes/{id}/resolve.
    """
    asked = {"orderId": order_id, "openedBy": opened_by.upper(), "reason": reason.upper()}
    done = send(load_or_exit(quiet=True), DISPUTE, asked)
    print_done(
        f"{order_id} is {done['status']}; the dispute is {done['disputeId']}", done, as_json=as_json
    )


@orders_group.command("accept-payout")
@click.argument("order_id")
@json_option
def accept_payout_command(order_id: str, *, as_json: bool) -> None:
    """Book what an order's contract paid out, although the order and its fees do not explain it.

    Until then the order stays as it is. Look the transaction up first: what has not reached the
    parties is booked as gone, and cannot be taken back.
    """
    done = send(load_or_exit(quiet=True), ACCEPT_PAYOUT, {"orderId": order_id})
    print_done(f"{order_id}: its payout is booked as the chain reports it", done, as_json=as_json)


async def stuck(storage: Storage, now: datetime, patience: timedelta) -> list[dict[str, object]]:
    """Orders whose open step is unclear, keeps failing or is old, or whose end is not booked."""
    operations = {
        each.id: each
        for each in await storage.open_operations(subject=Subject.ORDER)
        if _reason(each, now, patience) is not None
    }
    not_booked: list[str] = []
    place = 0
    while True:
        page = await storage.in_flight(Order, place, _BATCH)
        not_booked += [each.id for each in page if not each.working]
        if len(page) < _BATCH:
            break
        place = page[-1].place
    ids = dict.fromkeys([*(each.subject_id for each in operations.values()), *not_booked])
    orders = await storage.load_many(Order, list(ids))
    rows = []
    for operation in operations.values():
        order = orders.get(operation.subject_id)
        if order is not None and order.chain_operation_id == operation.id:
            rows.append(_stuck(order, operation, _reason(operation, now, patience) or ""))
    waiting = [
        order
        for order in (orders.get(each) for each in not_booked)
        if order is not None and order.updated_at <= now - patience
    ]
    ended = await storage.load_many(
        ChainOperation, [each.chain_operation_id for each in waiting if each.chain_operation_id]
    )
    return rows + [_not_booked(each, ended.get(each.chain_operation_id or "")) for each in waiting]


def _not_booked(order: Order, operation: ChainOperation | None) -> dict[str, object]:
    """An order whose step has ended, and whose owner did not take the end."""
    row = _stuck(order, None, "its step has ended and is not booked")
    if operation is None or not operation.rules.pays_out:
        return row
    paid = Money.total(payout.amount for payout in operation.payouts)
    return row | {
        "step": str(operation.step),
        "lastError": f"its contract paid {paid} out, of {order.amount}",
        "command": f"offerhub orders accept-payout {order.id}",
    }


def _reason(operation: ChainOperation, now: datetime, patience: timedelta) -> str | None:
    if operation.unclear_since is not None:
        return "unclear"
    failures = max(operation.refusals, operation.outages, operation.mismatches)
    if max(failures, operation.attempt - 1) >= ALARM_AFTER:
        return "keeps failing"
    return "open for long" if operation.created_at <= now - patience else None


def _stuck(order: Order, operation: ChainOperation | None, reason: str) -> dict[str, object]:
    unclear = operation is not None and operation.unclear_since is not None
    settles = f"operations resolve {operation.id}" if operation and unclear else None
    return {
        "orderId": order.id,
        "status": order.status.value,
        "reason": reason,
        "step": None if operation is None else str(operation.step),
        "operationId": order.chain_operation_id if operation is None else operation.id,
        "since": order.updated_at if operation is None else operation.created_at,
        "lastError": None if operation is None else operation.last_error,
        "command": f"offerhub {settles or f'orders retry {order.id}'}",
    }


def _shown(order: Order) -> dict[str, object]:
    """As the API shows it."""
    shown = msgspec.to_builtins(render_order(order))
    if not isinstance(shown, dict):
        raise TypeError(type(shown))
    return shown


def _operation(operation: ChainOperation) -> dict[str, object]:
    return {
        "id": operation.id,
        "step": str(operation.step),
        "attempt": operation.attempt,
        "status": operation.status.value,
        "transactionHash": operation.tx_hash,
        "lastError": operation.last_error,
    }
