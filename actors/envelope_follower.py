"""From a signed envelope to its end, found out by its hash (docs/spec/domain.md §3, Exactly once).

An unknown outcome is looked up and the same envelope handed in again. What is to be proven before
it counts as dead is in `envelope_death`; what contradicts is alarmed, and waits for an operator.
"""

from typing import Final, assert_never

import structlog
import trio

from actors.envelope_death import Included, Inquest
from actors.failpoints import reach
from actors.kernel import Backoff
from actors.lane_parts import LaneParts, Moves
from actors.unclear import UNCLEAR_S, alarm
from offerhub.domain.chain import (
    ChainFailure,
    ChainOperation,
    ChainStatus,
    FailureKind,
    PayoutSeen,
)
from offerhub.domain.chain_moves import confirmed, expired, failed, submitted
from offerhub.domain.envelope_death import Finding, Verdict
from offerhub.domain.intent_rules import Submitter
from offerhub.domain.resolutions import RESOLVED, Outcome, Resolution
from offerhub.providers.stellar.port import (
    Applied,
    Rejected,
    StellarUnavailable,
    TransactionRecord,
    Unknown,
)
from offerhub.providers.trustless_work.port import (
    Refused,
    Sent,
)

log = structlog.get_logger(__name__)

_RETRY: Final = Backoff(first_s=0.25, limit_s=10.0)


class EnvelopeFollower:
    """Follows the envelopes of one lane; what it returns has ended."""

    def __init__(self, parts: LaneParts, moves: Moves) -> None:
        self._parts = parts
        self._moves = moves

    async def follow(self, operation: ChainOperation) -> ChainOperation:
        """Follow a signed envelope until the chain has it, or provably never will."""
        envelope, tx_hash = operation.envelope, operation.tx_hash
        if envelope is None or tx_hash is None:
            msg = f"{operation.id} is {operation.status.value} without an envelope"
            raise ValueError(msg)
        if operation.unclear_since is not None:
            # Alarmed by an earlier life: it shows in health until it is over.
            self._parts.alarms.sound(operation.id, operation.last_error or "")
        inquest = Inquest(operation, self._parts)
        by_provider = operation.rules.submitter is Submitter.PROVIDER
        trouble = 0
        while True:
            record, reason = None, ""
            if operation.unclear_since is None:
                reach(f"lane.before_submit.{operation.step}")
                record, reason = await self._submit(envelope, tx_hash, by_provider=by_provider)
                reach(f"lane.after_submit.{operation.step}")
            try:
                found = await inquest.look() if record is None else Included(record)
                operation = await self._take(operation, found, reason)
            except StellarUnavailable as away:
                operation = await self._submitted(operation, away.reason)
            if not operation.is_open:
                return operation
            by_provider = False
            trouble += 1
            unclear = operation.unclear_since is not None
            await trio.sleep(
                UNCLEAR_S if unclear else _RETRY.delay_s(trouble, self._parts.core.random)
            )

    async def _take(
        self, operation: ChainOperation, found: Included | Finding | Resolution, reason: str
    ) -> ChainOperation:
        """Commit what a look has found; the operation has ended then, or stays on the way."""
        match found:
            case Included(record):
                return await self._included(operation, record)
            case Resolution():
                return await self._resolved(operation, found)
            case Finding(Verdict.DEAD):
                return await self._expire(operation, reason)
            case Finding(Verdict.SPENT):
                operation = await self._submitted(operation, found.reason)
                return await alarm(operation, found.reason, self._parts, self._moves)
            case Finding(Verdict.UNPROVEN):
                return await self._submitted(operation, found.reason)
            case Finding():
                return await self._submitted(operation, reason)

    async def _submitted(self, operation: ChainOperation, reason: str) -> ChainOperation:
        if operation.status is ChainStatus.SIGNED:
            return await self._moves.commit(submitted(operation, reason, self._parts.core.now()))
        return await self._moves.note(operation, reason)

    async def _submit(
        self, envelope: str, tx_hash: str, *, by_provider: bool
    ) -> tuple[TransactionRecord | None, str]:
        """Hand the envelope in; any answer but inclusion is only a hint."""
        if by_provider:
            sent = await self._parts.provider.send(envelope)
            if isinstance(sent, Sent):
                return None, "the provider says it is on chain; its hash is not there yet"
            return None, sent.message if isinstance(sent, Refused) else sent.reason
        result = await self._parts.network.submit(envelope, tx_hash)
        match result:
            case Applied(record):
                return record, ""
            case Rejected(code, codes):
                return None, ", ".join((code, *codes))
            case Unknown(reason):
                return None, reason
            case _:
                assert_never(result)

    async def _included(
        self, operation: ChainOperation, record: TransactionRecord
    ) -> ChainOperation:
        reach(f"lane.before_confirmed.{operation.step}")
        rules = operation.rules
        if record.successful:
            payouts = await self._payouts(record.hash) if rules.pays_out else ()
            moved = confirmed(
                operation, record.ledger, record.closed_at, payouts, self._parts.core.now()
            )
        else:
            await self._moved_nothing(record.hash)
            codes = [code for code in record.operation_codes if code != "op_success"]
            code = codes[0] if codes else record.transaction_code
            kind = FailureKind.REFUSED if code in rules.final_codes else FailureKind.INCLUDED
            moved = failed(
                operation,
                ChainFailure(kind, f"the network refused it: {code}", code, record.operation_codes),
                self._parts.core.now(),
                ledger=record.ledger,
                closed_at=record.closed_at,
            )
        ended = await self._moves.commit(moved)
        self._parts.alarms.end(operation.id)
        reach(f"lane.after_confirmed.{operation.step}")
        return ended

    async def _moved_nothing(self, tx_hash: str) -> None:
        """A failure is built again: so what the same server shows of it must agree that it failed."""
        if await self._parts.network.transfers(tx_hash):
            msg = "Horizon contradicts itself: a failed transaction has moved something"
            raise StellarUnavailable(msg)

    async def _payouts(self, tx_hash: str) -> tuple[PayoutSeen, ...]:
        usdc = self._parts.rules
        return tuple(
            PayoutSeen(transfer.source, transfer.destination, transfer.amount)
            for transfer in await self._parts.network.transfers(tx_hash)
            if transfer.asset_code == usdc.usdc_code
            and transfer.asset_issuer == usdc.usdc_issuer
            and transfer.source is not None
            and transfer.destination is not None
        )

    async def _expire(self, operation: ChainOperation, reason: str) -> ChainOperation:
        failure = ChainFailure(
            FailureKind.DEAD, f"its time ran out on the network ({reason})", "expired"
        )
        return await self._moves.commit(expired(operation, failure, self._parts.core.now()))

    async def _resolved(self, operation: ChainOperation, resolution: Resolution) -> ChainOperation:
        """Take an operator's word for what nobody shows."""
        now = self._parts.core.now()
        match resolution.outcome:
            case Outcome.INCLUDED:
                pays_out = operation.rules.pays_out and operation.tx_hash is not None
                payouts = await self._payouts(operation.tx_hash or "") if pays_out else ()
                moved = confirmed(operation, None, None, payouts, now)
            case Outcome.NOT_INCLUDED:
                reason = "an operator found that no ledger includes it"
                moved = expired(operation, ChainFailure(FailureKind.DEAD, reason, RESOLVED), now)
            case _:
                assert_never(resolution.outcome)
        log.warning(
            "lane.operation_resolved",
            operation=operation.id,
            outcome=resolution.outcome.value,
            by=resolution.by,
        )
        ended = await self._moves.commit(
            moved,
            audit=self._moves.context(operation).audit(
                "operation.resolved",
                "ChainOperation",
                operation.id,
                after={"outcome": resolution.outcome.value, "by": resolution.by},
            ),
        )
        self._parts.alarms.end(operation.id)
        return ended
