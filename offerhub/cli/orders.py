"""`offerhub orders`: orders as they stand, and what an operator can do about one."""

import click

from actors.order_commands import RETRY
from offerhub.cli.commanding import send
from offerhub.cli.output import json_option, print_done
from offerhub.cli.start import load_or_exit


@click.group("orders")
def orders_group() -> None:
    """Look at orders, and have one that is stuck tried again."""


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
