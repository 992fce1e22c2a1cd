"""`offerhub operations`: unclear chain operations, and the operator's answer to one."""

import getpass
import re
from collections.abc import Awaitable, Callable
from typing import Final, NoReturn, TypeVar

import click
import trio
import trio_asyncio

from offerhub import app
from offerhub.cli.start import load_or_exit
from offerhub.cli.storage import open_beside
from offerhub.composition.work import Sources
from offerhub.domain.chain import ChainOperation
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.ids import Ids, iso
from offerhub.domain.resolutions import Outcome, Resolution, resolution_key
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import Committed, UnitOfWork
from offerhub.settings import Settings
from storage.port import Storage

T = TypeVar("T")

_EXIT_REFUSED: Final = 1


@click.group("operations")
def operations_command() -> None:
    """List and resolve chain operations about which the network contradicts itself.

    Works next to the running orchestrator, which applies an answer within a minute.
    """


@operations_command.command("list")
def list_command() -> None:
    """List the operations that are waiting for an operator."""
    found = _beside(load_or_exit(), _unclear)
    for operation in found:
        since = "" if operation.unclear_since is None else iso(operation.unclear_since)
        click.echo(
            f"{operation.id}  {operation.step} of {operation.subject_id}, attempt "
            f"{operation.attempt}, since {since}\n"
            f"  transaction {operation.tx_hash or '(none yet)'}\n"
            f"  account {operation.source}, sequence number {operation.sequence or '(none yet)'}\n"
            f"  {operation.last_error}"
        )
    if not found:
        click.echo("no operation is waiting for an operator")


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
def resolve_command(operation_id: str, tx_hash: str | None, not_included: bool) -> None:  # noqa: FBT001 - click passes a flag
    """Answer what happened to an unclear operation, after looking it up elsewhere.

    An answer cannot be taken back. `--not-included` makes the orchestrator build the step again:
    if that answer is wrong, the step happens twice.
    """
    if (tx_hash is None) is not not_included:
        msg = "use either --included HASH or --not-included"
        raise click.UsageError(msg)
    outcome = Outcome.NOT_INCLUDED if not_included else Outcome.INCLUDED
    answer = Resolution(outcome, tx_hash, _who())

    async def resolve(storage: Storage) -> None:
        await store_answer(storage, operation_id, answer, app.real_sources())

    _beside(load_or_exit(), resolve)
    click.echo(f"{operation_id}: answered; the running orchestrator applies it within a minute")


async def store_answer(
    storage: Storage, operation_id: str, answer: Resolution, sources: Sources
) -> None:
    """Store an answer with its audit entry; a refused one ends the command."""
    operation = await storage.load(ChainOperation, operation_id)
    if operation is None:
        _refuse(f"no operation has the id {operation_id}")
    if not operation.is_open or operation.unclear_since is None:
        _refuse(f"{operation_id} is not waiting for an operator")
    if answer.tx_hash is not None and answer.tx_hash not in await _hashes(storage, operation):
        _refuse("this is not the hash of a transaction that was signed for this step")
    if not await storage.put_setting(resolution_key(operation_id), answer.encoded()):
        _refuse("it has already been answered")
    ids = Ids(sources.random_bytes)
    context = DecisionContext(sources.now(), ids, Trace(ids.new("req"), f"cli:{answer.by}"))
    (outcome,) = await storage.commit(
        [
            UnitOfWork(
                at=context.now,
                trace=context.trace,
                audit=(
                    context.audit(
                        "operation.resolve",
                        "ChainOperation",
                        operation_id,
                        after={"outcome": answer.outcome.value, "transactionHash": answer.tx_hash},
                    ),
                ),
            )
        ]
    )
    if not isinstance(outcome, Committed):
        _refuse(f"the answer is stored, but its audit entry was refused: {outcome.kind.value}")


async def _hashes(storage: Storage, operation: ChainOperation) -> set[str | None]:
    """The transactions that may be meant: the operation's own, or of an earlier attempt."""
    return {
        each.tx_hash
        for each in await storage.operations_of(operation.subject_id)
        if each.step == operation.step and each.attempt <= operation.attempt
    }


async def _unclear(storage: Storage) -> list[ChainOperation]:
    return [each for each in await storage.open_operations() if each.unclear_since is not None]


def _who() -> str:
    """The user name of the operator, as one word: it is stored as one."""
    return re.sub(r"\s+", "_", getpass.getuser())


def _refuse(message: str) -> NoReturn:
    click.echo(f"offerhub operations: {message}", err=True)
    raise SystemExit(_EXIT_REFUSED)


def _beside(settings: Settings, work: Callable[[Storage], Awaitable[T]]) -> T:
    async def run() -> T:
        sources = app.real_sources()
        async with (
            trio_asyncio.open_loop(),
            open_beside(settings.database_url, settings.home, sources) as storage,
        ):
            return await work(storage)

    return trio.run(run)
