"""Whether an envelope is dead: gathers what the network says, and has the domain judge it.

One `Inquest` follows one envelope, for as long as its lane looks for its outcome. What it cannot
prove stays open; what contradicts is resolved by looking: at the hash again, at the account's own
history, and in the end at what an operator has found out (`offerhub operations resolve`).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import trio
from attrs import frozen

from actors.lane_parts import LaneParts
from actors.outages import retry_until_available
from actors.unclear import resolution_of
from offerhub.domain.chain import ChainOperation
from offerhub.domain.envelope_death import (
    AccountSeen,
    Envelope,
    Finding,
    NetworkSeen,
    Verdict,
    judge,
)
from offerhub.domain.resolutions import Resolution
from offerhub.providers.stellar.port import (
    AccountState,
    NetworkState,
    StellarUnavailable,
    TransactionRecord,
)

LAG_S: Final = 120.0
"""How long answers may contradict one another before that counts: servers behind one address lag."""

HISTORY: Final = 200
"""Transactions of an account that are looked through: a page of Horizon's."""


@frozen
class Included:
    """A ledger holds it."""

    record: TransactionRecord


class Inquest:
    """See the module."""

    def __init__(self, operation: ChainOperation, parts: LaneParts) -> None:
        if operation.tx_hash is None or operation.max_time is None or operation.sequence is None:
            msg = f"{operation.id} is {operation.status.value} without an envelope"
            raise ValueError(msg)
        self._id = operation.id
        self._tx_hash = operation.tx_hash
        self._source = operation.source
        self._envelope = Envelope(
            sequence=operation.sequence,
            max_time=datetime.fromtimestamp(operation.max_time, UTC),
            signed_after=operation.signed_after,
        )
        self._parts = parts
        self._known_unclear = operation.unclear_since is not None
        self._absent_at: int | None = None
        self._spent_since: float | None = None

    async def look(self) -> Included | Finding | Resolution:
        """Ask once. Raises `StellarUnavailable`, also when an answer contradicts itself."""
        network = self._parts.network
        record = await network.transaction(self._tx_hash)
        if record is not None:
            return Included(record)
        state = await state_for_proof(self._parts)
        if state.latest_closed_at <= self._envelope.max_time:
            return Finding(Verdict.ALIVE, "its time bounds have not passed")
        # Once more, now that a ledger is known after which the answer can only be final.
        record = await network.transaction(self._tx_hash)
        if record is not None:
            return Included(record)
        finding = self._judged(state, await network.account(self._source))
        if self._absent_at is None:
            self._absent_at = state.latest_ledger
        if finding.verdict is not Verdict.SPENT:
            self._spent_since = None
            return finding
        if self._spent_since is None:
            self._spent_since = trio.current_time()
        cleared_up = await self._cleared_up(finding)
        lasts_s = trio.current_time() - self._spent_since
        may_lag = lasts_s < LAG_S and not self._known_unclear
        if may_lag and isinstance(cleared_up, Finding) and cleared_up.verdict is Verdict.SPENT:
            return Finding(Verdict.UNPROVEN, cleared_up.reason)
        return cleared_up

    def _judged(self, state: NetworkState, account: AccountState | None) -> Finding:
        return judge(
            self._envelope,
            now=self._parts.core.now(),
            network=NetworkSeen(state.latest_ledger, state.latest_closed_at, state.elder_ledger),
            account=None if account is None else AccountSeen(account.sequence, account.ledger),
            absent_at=self._absent_at,
        )

    async def _cleared_up(self, finding: Finding) -> Included | Finding | Resolution:
        record = used_by(
            await self._parts.network.account_transactions(self._source, HISTORY),
            self._source,
            self._envelope.sequence,
        )
        if record is not None and self._tx_hash in (record.hash, record.inner_hash):
            return Included(record)
        resolution = await resolution_of(self._id, self._parts)
        if resolution is not None:
            return resolution
        if record is not None:
            if await self._is_ours(record):
                return Finding(Verdict.DEAD, "another transaction of ours used its number before")
            reason = f"its account used its sequence number for another transaction, {record.hash}"
            return Finding(Verdict.SPENT, reason)
        return finding

    async def _is_ours(self, record: TransactionRecord) -> bool:
        """Whether its number went to an operation that our own books know to be included.

        It does when an envelope was signed after a look at a server that lagged: its number was used
        already. The network's word alone would not prove that.
        """
        storage = self._parts.core.storage
        known = await retry_until_available(
            lambda: storage.operations_by_hash([record.hash]), self._parts.core.random
        )
        other = known.get(record.hash)
        return (
            other is not None
            and other.id != self._id
            and other.ledger is not None
            and (other.source, other.sequence) == (self._source, self._envelope.sequence)
        )


async def state_for_proof(parts: LaneParts) -> NetworkState:
    """The network as it stands now. Raises `StellarUnavailable` for what no proof can rest upon."""
    state = await parts.clock.trusted(max_age_s=0)
    if state.passphrase != parts.rules.passphrase:
        msg = "the server belongs to a different network"
        raise StellarUnavailable(msg)
    return state


def used_by(
    history: Sequence[TransactionRecord], source: str, sequence: int
) -> TransactionRecord | None:
    """The transaction of an account's history that used up a sequence number, if it is shown."""
    for record in history:
        if (record.source, record.source_sequence) == (source, sequence):
            return record
    return None
