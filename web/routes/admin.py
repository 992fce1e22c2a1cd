"""What only `*` may: maintenance, and a look at the supervisor tree."""

from typing import Final

from actors.kernel import Node
from actors.messages import SetMaintenance
from offerhub.domain.api_keys import Scope
from web import bodies, resources
from web.answers import final, now
from web.call import Answer, Call, Route
from web.rendering import render_maintenance
from web.schema import Schema

_ASK_S: Final = float("inf")
"""The commit has a deadline of its own."""


async def enable(call: Call) -> Answer:
    """Refuse changes until it is disabled."""
    message = call.body_as(bodies.MaintenanceOn).message
    return await _switch(call, SetMaintenance(message, call.trace, enable=True))


async def disable(call: Call) -> Answer:
    """Take changes again."""
    return await _switch(call, SetMaintenance(None, call.trace, enable=False))


async def _switch(call: Call, message: SetMaintenance) -> Answer:
    after = await call.system.maintenance.ask(message, timeout_s=_ASK_S)
    return final(call, after, after.since or call.system.clock())


async def status(call: Call) -> Answer:
    """Whether it is on."""
    return now(call, render_maintenance(call.system.maintenance_switch.now))


async def tree(call: Call) -> Answer:
    """The supervisor tree at this instant."""
    return now(call, _actor(call.system.tree()))


def _actor(node: Node) -> resources.Actor:
    mailbox = node.mailbox
    return resources.Actor(
        name=node.name,
        state=resources.ActorState(node.state.value),
        mailbox=None
        if mailbox is None
        else resources.Mailbox(
            depth=mailbox.depth,
            capacity=mailbox.capacity,
            wakes=mailbox.wakes,
            tasks=mailbox.tasks,
            handled=mailbox.handled,
        ),
        active=node.active,
        restarts=node.restarts,
        last_error=node.last_error,
        children=tuple(_actor(child) for child in node.children),
    )


ROUTES: Final = (
    Route(
        "POST",
        "/admin/maintenance/enable",
        "enableMaintenance",
        enable,
        "Refuse changes",
        resources.Maintenance,
        "Administration",
        Scope.ALL,
        body=Schema(bodies.MaintenanceOn),
        action="maintenance.enable",
        in_maintenance=True,
    ),
    Route(
        "POST",
        "/admin/maintenance/disable",
        "disableMaintenance",
        disable,
        "Take changes again",
        resources.Maintenance,
        "Administration",
        Scope.ALL,
        action="maintenance.disable",
        in_maintenance=True,
    ),
    Route(
        "GET",
        "/admin/maintenance/status",
        "getMaintenance",
        status,
        "Whether changes are refused",
        resources.Maintenance,
        "Administration",
        Scope.ALL,
    ),
    Route(
        "GET",
        "/admin/tree",
        "getTree",
        tree,
        "The supervisor tree",
        resources.Actor,
        "Administration",
        Scope.ALL,
    ),
)
