"""The moves of an operator's command, as units of work: it is stored, begun, and ends with its effect."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from attrs import evolve

from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.errors import DomainError, InvariantViolated
from offerhub.domain.operator_command import CommandRefusal, OperatorCommand
from offerhub.domain.unit_of_work import UnitOfWork

WAITS: Final = timedelta(seconds=15)
"""How long a command waits to be taken up; a process that lives does so within a moment."""


def ask(
    kind: str, arguments: Mapping[str, object], by: str, context: DecisionContext
) -> tuple[OperatorCommand, UnitOfWork]:
    """Store a command. What it does is audited where it is done, so its row leaves no entry."""
    command = OperatorCommand(
        id=context.ids.new("cmd"),
        version=1,
        kind=kind,
        arguments=arguments,
        by=by,
        waits_until=context.now + WAITS,
        created_at=context.now,
        updated_at=context.now,
    )
    return command, UnitOfWork(at=context.now, trace=context.trace, writes=(command,))


def with_end(
    unit: UnitOfWork, command: OperatorCommand, result: Mapping[str, object]
) -> UnitOfWork:
    """The unit of a command's effect, with the end of the command in it.

    Raises:
        InvariantViolated: the effect is not audited.
    """
    if not unit.audit:
        raise InvariantViolated(f"the effect of {command.kind} leaves no audit entry")
    return evolve(unit, writes=(*unit.writes, command.done(result, unit.at)))


def begun(
    command: OperatorCommand, progress: Mapping[str, object], context: DecisionContext
) -> tuple[OperatorCommand, UnitOfWork]:
    """A command that takes longer than a moment was begun, or has come further."""
    after = command.running(progress, context.now)
    return after, UnitOfWork(at=context.now, trace=context.trace, writes=(after,))


def refused(command: OperatorCommand, why: DomainError, context: DecisionContext) -> UnitOfWork:
    """A command cannot be done: stored for its sender, and audited as every refused attempt."""
    details = {name: value for name, value in why.details.items() if _is_plain(value)}
    refusal = CommandRefusal(why.code.value, why.message, details)
    return UnitOfWork(
        at=context.now,
        trace=context.trace,
        writes=(command.refused(refusal, context.now),),
        audit=(
            context.audit(
                command.kind,
                "OperatorCommand",
                command.id,
                result="refused",
                error=why.code.value,
                after={"arguments": dict(command.arguments)},
            ),
        ),
    )


def withdrawn(command: OperatorCommand, context: DecisionContext) -> UnitOfWork:
    """Nobody has taken a command up in time, and nobody shall."""
    return UnitOfWork(at=context.now, trace=context.trace, writes=(command.withdrawn(context.now),))


def _is_plain(value: object) -> bool:
    """Whether a detail is a JSON value; what the edge would render (`Progress`) is left out."""
    if isinstance(value, Mapping):
        return all(_is_plain(each) for each in value.values())
    if isinstance(value, (list, tuple)):
        return all(_is_plain(each) for each in value)
    return value is None or isinstance(value, (str, int, float, bool))
