"""Settlement: from a signed envelope to its end, found out by its hash (domain.md §3, Exactly once).

An unknown outcome is looked up and the same envelope handed in again. It is dead only when a ledger
has closed after its `maxTime` without it.
"""

from datetime import UTC, datetime
from typing import Final, assert_never

import trio

from actors.failpoints import reach
from actors.kernel import Backoff
from actors.lane_parts import LaneParts, Moves
from offerhub.domain.chain import (
    ChainFailure,
    ChainOperation,
    ChainStatus,
    FailureKind,
    PayoutSeen,
)
from offerhub.domain.chain_moves import confirmed, expired, failed, submitted
from offerhub.domain.intent_rules import Submitter
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

_RETRY: Final = Backoff(first_s=0.25, limit_s=10.0)


class Settlement:
    """Follows the envelopes of one lane; what it returns has ended."""

    def __init__(self, parts: LaneParts, moves: Moves) -> None:
        self._parts = parts
        self._moves = moves

    async def settle(self, operation: ChainOperation) -> ChainOperation:
        """Follow a signed envelope until the chain has it, or provably never will."""
        envelope, tx_hash, max_time = operation.envelope, operation.tx_hash, operation.max_time
        if envelope is None or tx_hash is None or max_time is None:
            msg = f"{operation.id} is {operation.status.value} without an envelope"
            raise ValueError(msg)
        deadline = datetime.fromtimestamp(max_time, UTC)
        by_provider = operation.rules.submitter is Submitter.PROVIDER
        trouble = 0
        seen_dead_at: int | None = None
        while True:
            reach(f"lane.before_submit.{operation.step}")
            record, reason = await self._submit(envelope, tx_hash, by_provider=by_provider)
            reach(f"lane.after_submit.{operation.step}")
            try:
                if record is None:
                    record = await self._parts.network.transaction(tx_hash)
                if record is not None:
                    return await self._included(operation, record)
                # Not there. Dead only when a ledger has closed after maxTime and the hash is
                # absent after that was seen, twice, on different ledgers.
                state = await self._parts.network.state()
                if state.latest_closed_at > deadline:
                    record = await self._parts.network.transaction(tx_hash)
                    if record is not None:
                        return await self._included(operation, record)
                    if seen_dead_at is not None and state.latest_ledger > seen_dead_at:
                        return await self._expire(operation, reason)
                    seen_dead_at = seen_dead_at or state.latest_ledger
            except StellarUnavailable as away:
                reason = away.reason
            by_provider = False
            if operation.status is ChainStatus.SIGNED:
                operation = await self._moves.commit(
                    submitted(operation, reason, self._parts.now())
                )
            else:
                operation = await self._moves.note(operation, reason)
            trouble += 1
            await trio.sleep(_RETRY.delay_s(trouble, self._parts.random))

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
                operation, record.ledger, record.closed_at, payouts, self._parts.now()
            )
        else:
            codes = [code for code in record.operation_codes if code != "op_success"]
            code = codes[0] if codes else record.transaction_code
            kind = FailureKind.REFUSED if code in rules.final_codes else FailureKind.INCLUDED
            moved = failed(
                operation,
                ChainFailure(kind, f"the network refused it: {code}", code),
                self._parts.now(),
                ledger=record.ledger,
                closed_at=record.closed_at,
            )
        ended = await self._moves.commit(moved)
        reach(f"lane.after_confirmed.{operation.step}")
        return ended

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
        return await self._moves.commit(expired(operation, failure, self._parts.now()))
