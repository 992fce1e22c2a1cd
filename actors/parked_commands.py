"""What operators do with what was parked, as commands: `offerhub parked give` and `dismiss`."""

from typing import Final

from actors.commands import CommandKind, Job
from actors.core import Core
from actors.failpoints import reach
from actors.refused import balance_limit
from offerhub.domain import parked_decisions as decisions
from offerhub.domain.decision import Decided
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.money import BALANCE_MAX
from offerhub.domain.parked import Parked

GIVE: Final = "parked.give"
DISMISS: Final = "parked.dismiss"


def parked_commands(core: Core) -> tuple[CommandKind, ...]:
    """The kinds of this part."""

    async def load(job: Job) -> Parked:
        parked_id = job.text("parkedId")
        found = await core.storage.load(Parked, parked_id)
        if found is None:
            raise DomainError(ErrorCode.NOT_FOUND, f"nothing parked has the id {parked_id}")
        return found

    async def give(job: Job) -> None:
        while True:
            parked = await load(job)
            decided = decisions.give(parked, job.command.by, _note(job), job.context())
            await check_room(parked)
            reach("parked.before_give")
            if await job.commit(decided.unit, _result(decided)):
                reach("parked.after_give")
                return

    async def check_room(parked: Parked) -> None:
        """Storage would refuse it too; this says so in the sender's words."""
        if parked.user_id is None or parked.amount is None:
            return
        balance = await core.storage.balance(parked.user_id)
        if balance is not None and balance.total + parked.amount > BALANCE_MAX:
            raise balance_limit()

    async def dismiss(job: Job) -> None:
        while True:
            parked = await load(job)
            decided = decisions.dismiss(parked, job.command.by, _note(job), job.context())
            if await job.commit(decided.unit, _result(decided)):
                return

    return (CommandKind(GIVE, give), CommandKind(DISMISS, dismiss))


def _note(job: Job) -> str | None:
    note = job.arguments.get("note")
    return None if note is None else str(note)


def _result(decided: Decided[Parked]) -> dict[str, object]:
    parked = decided.entity
    return {
        "id": parked.id,
        "status": parked.status.value,
        "userId": parked.user_id,
        "amount": None if parked.amount is None else parked.amount.seven_places(),
    }
