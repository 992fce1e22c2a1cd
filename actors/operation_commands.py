"""The operator's answer for an unclear chain operation, as a command: `offerhub operations resolve`."""

from actors.commands import CommandKind, Job
from actors.core import Core
from offerhub.domain.chain import ChainOperation
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.resolutions import Outcome, Resolution, resolution_key
from offerhub.domain.unit_of_work import SettingChange, UnitOfWork

RESOLVE = "operations.resolve"


def operation_commands(core: Core) -> tuple[CommandKind, ...]:
    """The kinds of this part."""

    async def resolve(job: Job) -> None:
        operation_id = job.text("operationId")
        operation = await core.storage.load(ChainOperation, operation_id)
        if operation is None:
            raise DomainError(ErrorCode.NOT_FOUND, f"no operation has the id {operation_id}")
        if not operation.is_open or operation.unclear_since is None:
            raise _refused(f"{operation_id} is not waiting for an operator")
        answer = Resolution(
            Outcome(job.text("outcome")), _hash(job.arguments.get("txHash")), job.command.by
        )
        attempts = await core.storage.operations_of(operation.subject_id)
        if answer.tx_hash is not None and answer.tx_hash not in {
            each.tx_hash
            for each in attempts
            if each.step == operation.step and each.attempt <= operation.attempt
        }:
            raise _refused("this is not the hash of a transaction that was signed for this step")
        # The answer is written only where none is: a second one is a conflict.
        if not await job.commit(_answered(operation, answer, job.context()), {"id": operation_id}):
            raise _refused("it has already been answered")

    return (CommandKind(RESOLVE, resolve),)


def _answered(
    operation: ChainOperation, answer: Resolution, context: DecisionContext
) -> UnitOfWork:
    return UnitOfWork(
        at=context.now,
        trace=context.trace,
        settings=(SettingChange(resolution_key(operation.id), None, answer.encoded()),),
        audit=(
            context.audit(
                "operation.resolve",
                "ChainOperation",
                operation.id,
                after={"outcome": answer.outcome.value, "transactionHash": answer.tx_hash},
            ),
        ),
    )


def _hash(value: object) -> str | None:
    return None if value is None else str(value)


def _refused(message: str) -> DomainError:
    return DomainError(ErrorCode.INVALID_STATE_TRANSITION, message)
