"""What comes due, and who is woken for it.

A due time is no row of its own: it follows from the entity that it belongs to and is stored, and
indexed, in that entity's row. So it is committed with the change that needs it, and goes with the
change that settles it; neither can be forgotten.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, assert_never

from attrs import frozen

from offerhub.domain.api_keys import ApiKey, ApiToken
from offerhub.domain.chain import ChainOperation
from offerhub.domain.dispute import Dispute
from offerhub.domain.hold import Hold
from offerhub.domain.manual_change import ManualChange
from offerhub.domain.operator_command import OperatorCommand
from offerhub.domain.order import Order
from offerhub.domain.order_deadlines import due_at as order_due_at
from offerhub.domain.parked import Parked
from offerhub.domain.settlement import Settlement
from offerhub.domain.unit_of_work import Entity
from offerhub.domain.users import User, Wallet
from offerhub.domain.webhook import Webhook
from offerhub.domain.withdrawal import Withdrawal

CLEAN_UP_PAUSE: Final = timedelta(minutes=10)
"""How long what has perished may lie about, so that one clean-up takes many rows with it."""


COMMANDS_KEPT: Final = timedelta(days=30)
"""How long an operator's command that has ended is kept: the audit log keeps what it did for ever."""

WEBHOOKS_KEPT: Final = timedelta(days=30)
"""How long one that has ended is known again when it is repeated."""


class DueKind(StrEnum):
    """Who is woken."""

    ORDER = "order"
    LANE = "lane"
    API_KEY = "api_key"
    WEBHOOK = "webhook"
    CLEAN_UP = "clean_up"


class Perishable(StrEnum):
    """Rows that are deleted some time after their end."""

    IDEMPOTENCY = "idempotency"
    API_TOKENS = "api_tokens"
    WEBHOOKS = "webhooks"
    COMMANDS = "operator_commands"


@frozen
class Due:
    """Something that comes due.

    Args:
        at: when.
        id: of the entity, or the `Perishable`; with `at` its place in the order of what comes due.
        kind: which kind of owner is woken.
        owner: the id under which the owner is found.
    """

    at: datetime
    id: str
    kind: DueKind
    owner: str


def due_of(entity: Entity) -> Due | None:
    """What an entity waits for a moment to come for; `None` if it waits for none."""
    match entity:
        case Order():
            at = order_due_at(entity)
            return None if at is None else Due(at, entity.id, DueKind.ORDER, entity.id)
        case ApiKey():
            at = entity.ends_at
            return None if at is None else Due(at, entity.id, DueKind.API_KEY, entity.id)
        case Webhook():
            at = entity.not_before
            return None if at is None else Due(at, entity.id, DueKind.WEBHOOK, entity.id)
        case ChainOperation():
            at = entity.not_before if entity.is_open else None
            return None if at is None else Due(at, entity.id, DueKind.LANE, entity.source)
        case (
            Dispute()
            | User()
            | Wallet()
            | Withdrawal()
            | Settlement()
            | Hold()
            | ManualChange()
            | Parked()
            | ApiToken()
            | OperatorCommand()
        ):
            return None
        case _:
            assert_never(entity)


def clean_up_due(what: Perishable, perished_at: datetime) -> Due:
    """When the clean-up is due whose oldest row has perished at a moment."""
    return Due(perished_at + CLEAN_UP_PAUSE, what.value, DueKind.CLEAN_UP, what.value)
