"""`offerhub operations`: chain operations that wait for an operator, and the operator's word for one."""

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
from offerhub.domain.deciding import Deciding
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
    """Show and resolve chain operations that the network contradicts itself about.

    Works beside the running orchestrator, which takes a word within a minute.
    """


@operations_command.command("list")
def list_command() -> None:
    """Show the operations that wait for an operator."""
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
        click.echo("no operation waits for an operator")


@operations_command.command("resolve")
@click.argument("operation_id")
@click.option(
    "--included", "tx_hash", metavar="HASH", help="A ledger includes this transaction of it."
)
@click.option("--not-included", is_flag=True, help="No ledger includes any transaction of it.")
def resolve_command(operation_id: str, tx_hash: str | None, not_included: bool) -> None:  # noqa: FBT001 - click passes a flag
    """Say what became of an unclear operation, after looking it up elsewhere.

    A word cannot be taken back. `--not-included` has the step built again: if that is wrong, it
    happens twice.
    """
    if (tx_hash is None) is not not_included:
        msg = "give either --included HASH or --not-included"
        raise click.UsageError(msg)
    outcome = Outcome.NOT_INCLUDED if not_included else Outcome.INCLUDED
    word = Resolution(outcome, tx_hash, _who())

    async def resolve(storage: Storage) -> None:
        await give_word(storage, operation_id, word, app.real_sources())

    _beside(load_or_exit(), resolve)
    click.echo(f"{operation_id}: noted; the running orchestrator takes it within a minute")


async def give_word(
    storage: Storage, operation_id: str, word: Resolution, sources: Sources
) -> None:
    """Store a word for an operation, and write it into the audit log; refused words end the command."""
    operation = await storage.load(ChainOperation, operation_id)
    if operation is None:
        _refuse(f"there is no operation {operation_id}")
    if not operation.is_open or operation.unclear_since is None:
        _refuse(f"{operation_id} does not wait for an operator")
    if word.tx_hash is not None and word.tx_hash not in await _hashes(storage, operation):
        _refuse("that is not the hash of a transaction that was signed for this step")
    if not await storage.put_setting(resolution_key(operation_id), word.encoded()):
        _refuse("a word was given for it before")
    ids = Ids(sources.random_bytes)
    deciding = Deciding(sources.now(), ids, Trace(ids.new("req"), f"cli:{word.by}"))
    (outcome,) = await storage.commit(
        [
            UnitOfWork(
                at=deciding.now,
                trace=deciding.trace,
                audit=(
                    deciding.audit(
                        "operation.resolve",
                        "ChainOperation",
                        operation_id,
                        after={"outcome": word.outcome.value, "transactionHash": word.tx_hash},
                    ),
                ),
            )
        ]
    )
    if not isinstance(outcome, Committed):
        _refuse(f"the word is stored, its audit entry was refused: {outcome.kind.value}")


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
    """The operator, as the system knows them; one word, for it is stored as one."""
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
