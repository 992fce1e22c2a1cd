"""Maintenance: one actor that turns it on and off, and the switch at which requests look."""

from typing import Final

from actors.along import Along, check_not_gone
from actors.commands import CommandKind, Job
from actors.core import Core
from actors.kernel import Actor, Address
from actors.messages import SetMaintenance
from actors.outages import refuse_while_unavailable
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.ids import iso
from offerhub.domain.maintenance import MESSAGE_MAX, SETTING, Maintenance
from offerhub.domain.maintenance_decisions import switch
from offerhub.domain.unit_of_work import Committed, RefusalKind, Refused

ENABLE: Final = "maintenance.enable"
DISABLE: Final = "maintenance.disable"

_TRIES_MAX: Final = 5


class MaintenanceSwitch:
    """How it is now, without a query; the actor sets it after each commit."""

    def __init__(self) -> None:
        self.now = Maintenance()

    def check(self) -> None:
        """Raise `MAINTENANCE` while it is on."""
        if self.now.enabled:
            raise self.now.refusal()


class MaintenanceActor(Actor[SetMaintenance | Along]):
    """See the module."""

    def __init__(self, core: Core, shown: MaintenanceSwitch) -> None:
        self._core = core
        self._shown = shown

    async def start(self) -> None:
        """Show what is stored, before the first request is served."""
        storage = self._core.storage
        stored = await self._core.retry_until_available(lambda: storage.setting(SETTING))
        self._shown.now = Maintenance.decoded(stored)

    async def handle(self, message: SetMaintenance | Along) -> Maintenance:
        """Commit it and show it."""
        along = message if isinstance(message, Along) else None
        asked: SetMaintenance = message.message if isinstance(message, Along) else message
        for _ in range(_TRIES_MAX):
            with refuse_while_unavailable():
                stored = await self._core.storage.setting(SETTING)
            after, unit = switch(
                stored, asked.message, self._core.context(asked.trace), enable=asked.enable
            )
            if along is not None:
                unit = along.joined(unit, after)
            outcome = await self._core.journal.commit(unit)
            if along is not None:
                check_not_gone(outcome, along.command)
            match outcome:
                case Committed():
                    self._shown.now = after
                    return after
                case Refused(RefusalKind.TAKEN):
                    raise DomainError(
                        ErrorCode.IDEMPOTENCY_KEY_IN_PROGRESS,
                        "another request is using this idempotency key",
                    )
                case Refused():
                    pass  # somebody else was first: read it again
        raise DomainError(ErrorCode.SERVICE_UNAVAILABLE, "the change could not be committed")


def maintenance_commands(
    address: Address[SetMaintenance | Along],
) -> tuple[CommandKind, ...]:
    """`offerhub maintenance enable` and `disable`."""

    async def enable(job: Job) -> None:
        message = job.arguments.get("message")
        if message is not None and not 1 <= len(str(message)) <= MESSAGE_MAX:
            raise DomainError(
                ErrorCode.VALIDATION_ERROR, f"a message has 1 to {MESSAGE_MAX} characters"
            )
        text = None if message is None else str(message)
        await address.ask(job.along(SetMaintenance(text, job.trace, enable=True), _shown))

    async def disable(job: Job) -> None:
        await address.ask(job.along(SetMaintenance(None, job.trace, enable=False), _shown))

    return (CommandKind(ENABLE, enable), CommandKind(DISABLE, disable))


def _shown(after: Maintenance) -> dict[str, object]:
    return {
        "enabled": after.enabled,
        "message": after.message,
        "since": None if after.since is None else iso(after.since),
    }
