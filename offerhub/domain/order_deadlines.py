"""Deadlines of an order: which moments they may have, and when one is due (docs/spec/domain.md §2)."""

from datetime import datetime, timedelta
from typing import Final

from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.order import MilestoneStatus, Order, OrderStatus

HORIZON: Final = timedelta(days=3653)
"""Ten years: a deadline further away is a mistake in its unit."""

_BEFORE_ESCROW: Final = frozenset({OrderStatus.ORDER_CREATED, OrderStatus.FUNDS_RESERVED})


def checked(field: str, moment: datetime, now: datetime) -> datetime:
    """The moment in whole milliseconds, as it is shown; it lies ahead, ten years at most.

    Raises `VALIDATION_ERROR`.

    Args:
        field: its name at the API.
    """
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    if now < moment <= now + HORIZON:
        return moment
    fault = "must be in the future" if moment <= now else "must be within ten years"
    raise DomainError(
        ErrorCode.VALIDATION_ERROR,
        f"{field} {fault}",
        {"fields": [{"field": field, "message": fault}]},
    )


def takes_effect(order: Order) -> bool:
    """Whether the moment of the auto-release came, or comes, after the money was in the escrow.

    One that had passed by then has no effect: nobody can have been silent about work that could
    not begin.
    """
    funded_at = None if order.escrow is None else order.escrow.funded_at
    moment = order.auto_release_at
    return moment is not None and funded_at is not None and funded_at < moment


def due_at(order: Order) -> datetime | None:
    """When the order is to be closed as expired or released in silence, as it stands now.

    An order whose deployment has failed for good is without an escrow again, and expires. An
    auto-release waits for the last milestone, and is due at once when that comes late.
    """
    if order.status in _BEFORE_ESCROW:
        return order.expires_at
    if order.status is OrderStatus.IN_PROGRESS and takes_effect(order):
        completed = all(each.status is MilestoneStatus.COMPLETED for each in order.milestones)
        return order.auto_release_at if completed else None
    return None
