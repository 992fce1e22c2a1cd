"""Operations whose outcome the network contradicts itself about: alarmed once, and cleared up.

Such an operation stays open and keeps its lane, so that its account signs nothing else. It shows in
health, and ends when the network shows what happened or an operator says so.
"""

from typing import Final

import structlog

from actors.lane_parts import LaneParts, Moves
from actors.outages import retry_until_available
from offerhub.domain.chain import ChainOperation
from offerhub.domain.chain_moves import unclear
from offerhub.domain.resolutions import Resolution, resolution_key

UNCLEAR_S: Final = 60.0
"""Between looks at what waits for an operator: each costs calls of the network's budget."""

log = structlog.get_logger(__name__)


async def alarm(
    operation: ChainOperation, reason: str, parts: LaneParts, moves: Moves
) -> ChainOperation:
    """Tell operators of it: in health for as long as it lasts, in log and audit once."""
    parts.alarms.sound(operation.id, reason)
    if operation.unclear_since is not None:
        return await moves.note(operation, reason)
    context = moves.context(operation)
    log.error(
        "lane.operation_unclear",
        operation=operation.id,
        subject=operation.subject_id,
        transaction=operation.tx_hash,
        reason=reason,
    )
    return await moves.commit(
        unclear(operation, reason, context.now),
        audit=context.audit(
            "operation.unclear",
            "ChainOperation",
            operation.id,
            result="alarm",
            error=reason,
            after={
                "step": str(operation.step),
                "subject": operation.subject_id,
                "source": operation.source,
                "transactionHash": operation.tx_hash,
            },
        ),
    )


async def resolution_of(operation_id: str, parts: LaneParts) -> Resolution | None:
    """What an operator has found out of an operation, if one has."""
    stored = await retry_until_available(
        lambda: parts.core.storage.setting(resolution_key(operation_id)), parts.core.random
    )
    return None if stored is None else Resolution.decoded(stored)
