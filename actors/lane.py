"""A lane: one source account, its sequence number and its one transaction in flight (DESIGN.md).

It takes a journalled operation from `planned` to its end: build, have the vault check and sign,
store the envelope, submit, find out by hash. Killed between any two lines, it goes on from the
stored status. An envelope that was signed is followed until a ledger shows it or it is proven dead;
only then is its step over (domain.md §3, Exactly once).
"""

from datetime import timedelta
from typing import Final, assert_never

import structlog
import trio
from attrs import evolve

from actors.earlier_attempts import EarlierAttempts
from actors.failpoints import reach
from actors.kernel import Actor, Backoff, Message
from actors.lane_parts import Execute, LaneParts, Moves
from actors.patience import when_possible
from actors.settlement import Settlement
from actors.vault import NotSigned, SignTransaction
from offerhub.domain.chain import (
    ALIVE_STATUSES,
    ChainFailure,
    ChainOperation,
    ChainStatus,
    FailureKind,
)
from offerhub.domain.chain_moves import SignedEnvelope, failed, signed, waiting
from offerhub.domain.intents import (
    ActivateWallets,
    ApproveMilestone,
    ChangeMilestoneStatus,
    DeployEscrow,
    FundEscrow,
    Intent,
    OpenChannels,
    PayUsdc,
    RefillWallets,
    ReleaseFunds,
    TrustUsdc,
)
from offerhub.domain.money import Money
from offerhub.providers.stellar.build import build_own
from offerhub.providers.stellar.port import (
    AccountState,
    NetworkState,
    StellarUnavailable,
)
from offerhub.providers.trustless_work.port import (
    EscrowRefused,
    ProviderUnavailable,
)

log = structlog.get_logger(__name__)

OWN_LIFETIME_S: Final = 120
"""Life of the transactions that we build: enough for several ledgers, short enough to be rebuilt."""

_BUILD_REFUSALS_MAX: Final = 12
"""Refusals that may pass (a lagging read model) before an attempt is given up."""

_LAG_S: Final = 6.0
"""How far a server may lag behind another, and a little more: a ledger."""

_SHORT_OF_XLM_S: Final = 1.0
"""Pause of an operation whose source account waits for XLM."""

_RETRY: Final = Backoff(first_s=0.25, limit_s=10.0)


class Lane(Actor):
    """See the module."""

    def __init__(self, source: str, parts: LaneParts) -> None:
        self._source = source
        self._parts = parts
        self._account: AccountState | None = None
        self._xlm_minimum = Money.zero()
        self._unsettled: dict[str, ChainOperation] = {}
        self._moves = Moves(parts)
        self._earlier = EarlierAttempts(parts, self._moves)
        self._settlement = Settlement(parts, self._moves)

    async def start(self) -> None:
        """Find the envelopes of this account that may still be alive: they come first."""
        storage, random = self._parts.storage, self._parts.random
        open_operations = await when_possible(
            lambda: storage.open_operations(source=self._source), random
        )
        self._unsettled = {
            operation.id: operation
            for operation in open_operations
            if operation.status in ALIVE_STATUSES
        }
        wallets = await when_possible(lambda: storage.wallets_by_address([self._source]), random)
        wallet = wallets.get(self._source)
        if wallet is not None:
            self._xlm_minimum = self._parts.xlm[wallet.role].minimum

    async def handle(self, message: Message[object]) -> object:
        """Execute one operation; the next waits in the mailbox."""
        match message:
            case Execute():
                await self._execute(message)
            case _:
                raise TypeError(type(message))
        return None

    async def _execute(self, message: Execute) -> None:
        operation = self._parts.operations.get(message.operation_id)
        if operation is None or operation.status is not ChainStatus.PLANNED:
            operation = await self._moves.stored(message.operation_id)
        if operation is None:
            log.error("lane.operation_missing", operation=message.operation_id)
            return
        for earlier in list(self._unsettled.values()):
            self._parts.wake_owner(await self._settle(earlier))
        if operation.id in self._unsettled or operation.status in ALIVE_STATUSES:
            operation = await self._moves.stored(operation.id) or operation
        operation = await self._earlier.settled(operation)
        if operation.status is ChainStatus.PLANNED:
            operation = await self._sign(operation)
        if operation.status is ChainStatus.PLANNED:
            # It waits for XLM behind whatever else there is, be it the refill of this account.
            self.spawn(self._execute_later, message)
            return
        if operation.is_open:
            operation = await self._settle(operation)
            self._refresh(operation)
        self._parts.wake_owner(operation)

    async def _settle(self, operation: ChainOperation) -> ChainOperation:
        """Follow an envelope to its end; after anything but success the account is read again."""
        ended = await self._settlement.settle(operation)
        self._unsettled.pop(operation.id, None)
        if ended.status is not ChainStatus.CONFIRMED:
            self._account = None
        return ended

    async def _execute_later(self, message: Execute) -> None:
        await trio.sleep(_SHORT_OF_XLM_S)
        await self.self_address.tell(message)

    # From planned to signed.

    async def _sign(self, operation: ChainOperation) -> ChainOperation:
        """Build, check and sign until an envelope stands, or the step is refused.

        An operation whose source lacks XLM comes back as it was: planned.
        """
        intent = operation.intent
        trouble = 0
        refusals = 0
        from_memory = self._account is not None
        looked_again = False
        while True:
            try:
                account = await self._funded_account(intent)
                network = await self._parts.clock.trusted()
                unsigned = await self._build(intent, account, network)
            except EscrowRefused as refused:
                refusals += 1
                if refused.definitive or refusals >= _BUILD_REFUSALS_MAX:
                    kind = FailureKind.REFUSED if refused.definitive else FailureKind.UNREADY
                    return await self._fail(operation, kind, refused.message, refused.kind.name)
                reason = refused.message
            except (ProviderUnavailable, StellarUnavailable) as away:
                reason = away.reason
            except _LacksXlm as lacks:
                return await self._moves.note(operation, lacks.reason)
            else:
                answer = await self._asked_vault(
                    SignTransaction(unsigned, intent, account.sequence + 1, network)
                )
                if isinstance(answer, SignedEnvelope):
                    return await self._store_envelope(operation, account, network, answer)
                operation = await self._not_signed(operation, answer)
                if looked_again:
                    kind = FailureKind.STALE if answer.stale else FailureKind.FOREIGN
                    return await self._fail(operation, kind, answer.reason, None)
                # The sequence number may be an old one, from memory or from a server that lags
                # behind the provider's (stellar-horizon.md §2.3): read it again, once.
                looked_again = True
                self._account = None
                if not from_memory:
                    await trio.sleep(_LAG_S)
                continue
            trouble += 1
            operation = await self._moves.note(operation, reason)
            await trio.sleep(_RETRY.delay_s(trouble, self._parts.random))

    async def _funded_account(self, intent: Intent) -> AccountState:
        """The source account, with enough XLM for its own fees.

        A refill does not wait for one: every channel may be short at once, and one must begin.
        """
        account = self._account
        if account is None or account.xlm_spendable < self._xlm_minimum:
            account = await self._parts.network.account(self._source)
            self._account = account
        if account is None:
            msg = "the source account is not on the network yet"
            raise _LacksXlm(msg)
        if account.xlm_spendable < self._xlm_minimum and not isinstance(intent, RefillWallets):
            self._account = None
            self._parts.want_refill(self._source)
            msg = "the source account is waiting for a refill of XLM"
            raise _LacksXlm(msg)
        return account

    async def _build(self, intent: Intent, account: AccountState, network: NetworkState) -> str:
        match intent:
            case (
                DeployEscrow()
                | FundEscrow()
                | ChangeMilestoneStatus()
                | ApproveMilestone()
                | ReleaseFunds()
            ):
                return await self._parts.provider.build(intent)
            case PayUsdc() | ActivateWallets() | RefillWallets() | OpenChannels() | TrustUsdc():
                lifetime = min(OWN_LIFETIME_S, self._parts.rules.lifetime_max_s - 1)
                return build_own(
                    intent,
                    self._parts.rules.usdc,
                    sequence=account.sequence + 1,
                    max_time=network.latest_closed_at + timedelta(seconds=lifetime),
                    fee_per_operation_stroops=await self._parts.network.fee_per_operation(),
                )
            case _:
                assert_never(intent)

    async def _asked_vault(self, message: SignTransaction) -> SignedEnvelope | NotSigned:
        return await when_possible(lambda: self._parts.vault.ask(message), self._parts.random)

    async def _store_envelope(
        self,
        operation: ChainOperation,
        account: AccountState,
        network: NetworkState,
        envelope: SignedEnvelope,
    ) -> ChainOperation:
        """From here on the envelope may reach the network: it is stored before it can."""
        reach(f"lane.before_signed.{operation.step}")
        stored = await self._moves.commit(
            signed(operation, envelope, network.latest_ledger, self._parts.now()),
            audit=self._moves.deciding(operation).audit(
                "transaction.sign",
                "ChainOperation",
                operation.id,
                after={
                    "step": str(operation.step),
                    "subject": operation.subject_id,
                    "source": operation.source,
                    "transactionHash": envelope.tx_hash,
                    "maxTime": envelope.max_time,
                },
            ),
        )
        self._parts.alarms.end(stored.id)
        self._unsettled[stored.id] = stored
        spent = Money(envelope.fee_stroops)
        left = account.xlm_spendable - spent
        self._account = evolve(account, sequence=envelope.sequence, xlm_spendable=left)
        reach(f"lane.after_signed.{operation.step}")
        return stored

    async def _not_signed(self, operation: ChainOperation, answer: NotSigned) -> ChainOperation:
        log.warning("lane.transaction_not_signed", operation=operation.id, reason=answer.reason)
        return await self._moves.commit(
            waiting(operation, answer.reason, self._parts.now()),
            audit=self._moves.deciding(operation).audit(
                "transaction.refuse_to_sign",
                "ChainOperation",
                operation.id,
                result="refused",
                error=answer.reason,
                after={"step": str(operation.step), "source": operation.source},
            ),
        )

    async def _fail(
        self, operation: ChainOperation, kind: FailureKind, message: str, code: str | None
    ) -> ChainOperation:
        failure = ChainFailure(kind, message, code)
        return await self._moves.commit(failed(operation, failure, self._parts.now()))

    def _refresh(self, operation: ChainOperation) -> None:
        """Tell the provider's read model of calls that went past it; nobody waits for it.

        Once an action, after its last step: the model takes the contract as it stands, and each
        call counts under the provider's limit.
        """
        tx_hash = operation.tx_hash
        if (
            operation.status is ChainStatus.CONFIRMED
            and tx_hash is not None
            and operation.rules.refreshes
        ):
            self.spawn(self._parts.provider.refresh, tx_hash)


class _LacksXlm(Exception):
    """The source cannot pay its fees yet."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
