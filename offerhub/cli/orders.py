"""`offerhub orders`: orders as they stand, and what an operator can do about one."""

import click

from actors.order_commands import DISPUTE, RETRY
from offerhub.cli.commanding import send
from offerhub.cli.output import json_option, print_done
from offerhub.cli.start import load_or_exit
from offerhub.domain.dispute import DisputeReason, Party


@click.group("orders")
def orders_group() -> None:
    """Look at orders, have one that is stuck tried again, or disputed."""


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
