"""A message that an operator's command sends along with itself: its effect and the command's end are one commit."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

from attrs import frozen

from actors.kernel import Message
from offerhub.domain.command_decisions import with_end
from offerhub.domain.operator_command import OperatorCommand
from offerhub.domain.unit_of_work import CommitOutcome, RefusalKind, Refused, UnitOfWork


class CommandGone(Exception):
    """The command has ended meanwhile, as a rule because its sender withdrew it: nothing was done."""

    is_refusal: ClassVar[Literal[True]] = True


@frozen
class Along(Message[object]):
    """See the module.

    Args:
        message: one of those that the owner takes.
        result: what the sender of the command gets of the entity as it is then.
    """

    message: Any
    command: OperatorCommand
    result: Callable[[Any], Mapping[str, object]]

    def joined(self, unit: UnitOfWork, entity: object) -> UnitOfWork:
        """The unit of the effect, with the command's end in it."""
        return with_end(unit, self.command, self.result(entity))


def check_not_gone(outcome: CommitOutcome, command: OperatorCommand) -> None:
    """Raise `CommandGone` if the command's own row has refused a unit."""
    if outcome == Refused(RefusalKind.CONFLICT, command.id):
        raise CommandGone(command.id)
