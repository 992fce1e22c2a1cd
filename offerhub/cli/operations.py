"""`offerhub operations`: unclear chain operations, and the operator's answer to one."""

import click

from actors.operation_commands import RESOLVE
from offerhub.cli.commanding import send
from offerhub.cli.output import json_option, print_done, print_rows
from offerhub.cli.start import load_or_exit
from offerhub.cli.storage import with_storage
from offerhub.domain.chain import ChainOperation
from offerhub.domain.resolutions import Outcome
from storage.port import Storage

_COLUMNS = {
    "id": "operation",
    "step": "step",
    "subjectId": "of",
    "attempt": "attempt",
    "unclearSince": "since",
    "transactionHash": "transaction",
    "account": "account",
    "sequence": "number",
    "lastError": "reason",
}


@click.group("operations")
def operations_command() -> None:
    """List and resolve chain operations about which the network contradicts itself."""


@operations_command.command("list")
@json_option
def list_command(*, as_json: bool) -> None:
    """List the operations that are waiting for an operator."""
    found = with_storage(load_or_exit(quiet=True), _unclear)
    print_rows([_row(operation) for operation in found], _COLUMNS, as_json=as_json)


@operations_command.command("resolve")
@click.argument("operation_id")
@click.option(
    "--included",
    "tx_hash",
    metavar="HASH",
    help="A ledger includes this transaction of the operation.",
)
@click.option(
    "--not-included", is_flag=True, help="No ledger includes any transaction of the operation."
)
@json_option
def resolve_command(
    operation_id: str, tx_hash: str | None, *, not_included: bool, as_json: bool
) -> None:
    """Answer what happened to an unclear operation, after looking it up elsewhere.

    An answer cannot be taken back. `--not-included` makes the orchestrator build the step again:
    if that answer is wrong, the step happens twice.
    """
    if (tx_hash is None) is not not_included:
        msg = "use either --included HASH or --not-included"
        raise click.UsageError(msg)
    outcome = Outcome.NOT_INCLUDED if not_included else Outcome.INCLUDED
    asked = {"operationId": operation_id, "outcome": outcome.value, "txHash": tx_hash}
    done = send(load_or_exit(quiet=True), RESOLVE, asked)
    print_done(
        f"{operation_id}: answered; the running orchestrator applies it within a minute",
        done,
        as_json=as_json,
    )


async def _unclear(storage: Storage) -> list[ChainOperation]:
    return [each for each in await storage.open_operations() if each.unclear_since is not None]


def _row(operation: ChainOperation) -> dict[str, object]:
    return {
        "id": operation.id,
        "step": str(operation.step),
        "subjectId": operation.subject_id,
        "attempt": operation.attempt,
        "unclearSince": operation.unclear_since,
        "transactionHash": operation.tx_hash,
        "account": operation.source,
        "sequence": operation.sequence,
        "lastError": operation.last_error,
    }
