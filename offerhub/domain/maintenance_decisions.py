"""Turning maintenance on and off: the stored fact, its audit entry and its answer in one unit."""

from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.maintenance import SETTING, Maintenance
from offerhub.domain.unit_of_work import SettingChange, UnitOfWork


def switch(
    stored: str | None, message: str | None, context: DecisionContext, *, enable: bool
) -> tuple[Maintenance, UnitOfWork]:
    """Turn it on, with another message if it is on already, or off.

    Args:
        stored: the fact as it was read; the unit replaces nothing else.
    """
    before = Maintenance.decoded(stored)
    after = Maintenance(enable, message if enable else None, context.now)
    return after, UnitOfWork(
        at=context.now,
        trace=context.trace,
        settings=(SettingChange(SETTING, stored, after.encoded()),),
        audit=(
            context.audit(
                "maintenance.enable" if enable else "maintenance.disable",
                "Instance",
                SETTING,
                before={"enabled": before.enabled, "message": before.message},
                after={"enabled": after.enabled, "message": after.message},
            ),
        ),
        idempotency=context.final_answer(after),
    )
