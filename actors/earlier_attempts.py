"""Before a step is built again: the proof that no earlier attempt at it was included.

Paying, funding, deploying and settling have no guard of their own on chain (docs/spec/domain.md §3, Exactly once), so
that an attempt that was taken for dead is looked at once more, with all the evidence of the day,
before the next is signed. One that is in a ledger after all is the step: it is never built again.
"""

from datetime import UTC, datetime
from typing import Final

import structlog
import trio
from attrs import evolve

from actors.envelope_death import HISTORY, LAG_S, state_for_proof, used_by
from actors.kernel import Backoff
from actors.lane_parts import LaneParts, Moves
from actors.outages import retry_until_available
from actors.unclear import UNCLEAR_S, alarm, resolution_of
from offerhub.domain.chain import ChainOperation, ChainStatus
from offerhub.domain.chain_moves import adopted
from offerhub.domain.envelope_death import (
    AccountSeen,
    Envelope,
    NetworkSeen,
    Verdict,
    judge,
)
from offerhub.domain.resolutions import RESOLVED
from offerhub.providers.stellar.port import StellarUnavailable

log = structlog.get_logger(__name__)

_RETRY: Final = Backoff(first_s=0.25, limit_s=10.0)

_SEEN_ABSENT: Final = 0
"""It was found absent before: when it expired."""


class EarlierAttemptUnclear(Exception):
    """An earlier attempt may have been included; the step is not built while it may."""

    def __init__(self, earlier: ChainOperation, reason: str) -> None:
        super().__init__(reason)
        self.reason = f"attempt {earlier.attempt} ({earlier.tx_hash}) may be in a ledger: {reason}"


class EarlierAttempts:
    """Looks at the earlier attempts of one lane's operations."""

    def __init__(self, parts: LaneParts, moves: Moves) -> None:
        self._parts = parts
        self._moves = moves

    async def settled(self, operation: ChainOperation) -> ChainOperation:
        """Wait for the proof that none was included; one that was is what is followed from now on."""
        if operation.attempt == 1 or not operation.rules.moves_money:
            return operation
        trouble = 0
        alarm_at = float("inf") if operation.unclear_since is None else -float("inf")
        while operation.status is ChainStatus.PLANNED:
            try:
                earlier = await included_before(operation, self._parts)
            except StellarUnavailable as away:
                trouble += 1
                operation = await self._moves.note(operation, away.reason)
                await trio.sleep(_RETRY.delay_s(trouble, self._parts.core.random))
            except EarlierAttemptUnclear as unclear:
                alarm_at = min(alarm_at, trio.current_time() + LAG_S)
                if trio.current_time() < alarm_at:
                    operation = await self._moves.note(operation, unclear.reason)
                    await trio.sleep(_RETRY.limit_s)
                    continue
                operation = await alarm(operation, unclear.reason, self._parts, self._moves)
                await trio.sleep(UNCLEAR_S)
            else:
                if earlier is None:
                    break
                operation = await self._adopt(operation, earlier)
        return operation

    async def _adopt(self, operation: ChainOperation, earlier: ChainOperation) -> ChainOperation:
        log.error("lane.dead_envelope_included", operation=operation.id, earlier=earlier.id)
        # It has ended, so its envelope is in the archive.
        tx_hash, storage = earlier.tx_hash or "", self._parts.core.storage
        envelope = await retry_until_available(
            lambda: storage.envelope(tx_hash), self._parts.core.random
        )
        return await self._moves.commit(
            adopted(operation, evolve(earlier, envelope=envelope), self._parts.core.now()),
            audit=self._moves.context(operation).audit(
                "operation.adopt",
                "ChainOperation",
                operation.id,
                after={"earlier": earlier.id, "transactionHash": earlier.tx_hash},
            ),
        )


async def included_before(operation: ChainOperation, parts: LaneParts) -> ChainOperation | None:
    """The earlier attempt at the same step that succeeded after all; `None`: proof that none did.

    Raises:
        StellarUnavailable: the network did not answer.
        EarlierAttemptUnclear: it did, and proves neither.
    """
    of_subject = await retry_until_available(
        lambda: parts.core.storage.operations_of(operation.subject_id), parts.core.random
    )
    signed = {
        earlier.tx_hash: earlier
        for earlier in of_subject
        if (earlier.step == operation.step and earlier.attempt < operation.attempt)
        and earlier.tx_hash is not None
    }
    if operation.unclear_since is not None:
        resolution = await resolution_of(operation.id, parts)
        if resolution is not None:
            return None if resolution.tx_hash is None else signed[resolution.tx_hash]
    for tx_hash, earlier in signed.items():
        resolved = earlier.failure is not None and earlier.failure.code == RESOLVED
        if not resolved and await _succeeded(earlier, tx_hash, parts):
            return earlier
    return None


async def _succeeded(earlier: ChainOperation, tx_hash: str, parts: LaneParts) -> bool:
    record = await parts.network.transaction(tx_hash)
    if record is not None:
        return record.successful
    if earlier.status is not ChainStatus.EXPIRED or earlier.sequence is None:
        raise EarlierAttemptUnclear(earlier, "it was in a ledger, and is not shown any more")
    state = await state_for_proof(parts)
    account = await parts.network.account(earlier.source)
    finding = judge(
        Envelope(
            earlier.sequence,
            datetime.fromtimestamp(earlier.max_time or 0, UTC),
            earlier.signed_after,
        ),
        now=parts.core.now(),
        network=NetworkSeen(state.latest_ledger, state.latest_closed_at, state.elder_ledger),
        account=None if account is None else AccountSeen(account.sequence, account.ledger),
        absent_at=_SEEN_ABSENT,
    )
    match finding.verdict:
        case Verdict.DEAD:
            return False
        case Verdict.SPENT:
            # Its number has been used since: legitimately, if for another transaction.
            history = await parts.network.account_transactions(earlier.source, HISTORY)
            used = used_by(history, earlier.source, earlier.sequence)
            if used is None:
                raise EarlierAttemptUnclear(earlier, finding.reason)
            return used.successful and tx_hash in (used.hash, used.inner_hash)
        case Verdict.ALIVE | Verdict.UNPROVEN:
            raise StellarUnavailable(finding.reason)
