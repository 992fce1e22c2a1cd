"""At rest every operator's command has ended once: with one effect, or with none."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Final

from actors import maintenance
from actors.order_commands import DISPUTE, RETRY
from actors.parked_commands import DISMISS, GIVE
from actors.sealing import version_of
from actors.wallet_commands import ROTATE
from offerhub.domain.operator_command import CommandState, OperatorCommand
from offerhub.domain.users import Wallet
from storage.memory import MemoryDatabase
from tests.simulation.world import Universe

_ACTIONS: Final = {
    RETRY: "order.retry",
    DISPUTE: "dispute.open",
    ROTATE: ROTATE,
    GIVE: "parked.give",
    DISMISS: "parked.dismiss",
    maintenance.ENABLE: "maintenance.enable",
    maintenance.DISABLE: "maintenance.disable",
}
"""How the effect of a kind is audited."""


def open_commands(database: MemoryDatabase) -> list[str]:
    """Commands that are still to be worked."""
    return [
        f"{each.id} of {each.kind} is {each.state}"
        for each in database.tables.of(OperatorCommand).rows.values()
        if each.is_open
    ]


def wrong_commands(
    database: MemoryDatabase, told: Mapping[str, OperatorCommand | None]
) -> list[str]:
    """Commands that are lost, or whose effects, audit and ends are not one and the same.

    Args:
        told: by id, the end that its sender has seen.
    """
    rows = database.tables.of(OperatorCommand).rows
    wrong = [f"the command {each} is lost" for each in told if each not in rows]
    effects: Counter[tuple[str, str]] = Counter()
    refusals: Counter[str] = Counter()
    for entry in database.audit:
        canonical = json.loads(entry.canonical)
        caused_by = str(canonical["causationId"])
        if canonical["resourceType"] == "OperatorCommand" and canonical["result"] == "refused":
            refusals[canonical["resourceId"]] += 1
        elif canonical["result"] != "refused":
            effects[caused_by, canonical["action"]] += 1
    for command in rows.values():
        if command.id not in told:
            wrong.append(f"nobody has sent {command.id}")
        elif command != told[command.id]:
            wrong.append(f"{command.id} was told as {told[command.id]} and is {command}")
        done = command.state is CommandState.DONE
        refused = command.state is CommandState.REFUSED
        found = (effects[command.id, _ACTIONS[command.kind]], refusals[command.id])
        if found != (int(done), int(refused)):
            wrong.append(
                f"{command.id} of {command.kind} is {command.state}; effects, refusals: {found}"
            )
    return wrong


def wrongly_sealed(universe: Universe) -> list[str]:
    """Seeds that the present key does not open, once the others are forgotten."""
    versions = {version_of(key) for key in universe.keys}
    wallets = universe.database.tables.of(Wallet).rows.values()
    return [
        f"the seed of {each.id} is sealed under {each.seed.key_version}, which is forgotten"
        for each in wallets
        if each.seed.key_version not in versions
    ]
