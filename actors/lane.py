"""A lane: one source account, its sequence number and its one transaction in flight.

Why old envelopes come first: docs/decisions/0002-lanes-settle-old-envelopes-first.md.

Woken, it reads the next of its open operations from storage, one whose pause is over, and takes it
to its end: build, have the vault check and sign, store the envelope, submit, find out by hash.
Nothing waits in memory, and killed between any two lines it goes on from the stored status. A lane
that knows its account to have nothing else takes a new operation as it was committed, without
reading it back. Trouble before the signature is stored as a pause, and the next operation
has its turn meanwhile. An envelope that was signed is followed until a ledger shows it or it is proven dead;
only then is its step over (docs/spec/domain.md §3, Exactly once).
"""

from collections.abc import Hashable, Sequence
from datetime import timedelta
from typing import Final, Never, assert_never

import structlog
from attrs import evolve

from actors.earlier_attempts import EarlierAttempts
from actors.envelope_follower import EnvelopeFollower
from actors.failpoints import reach
from actors.lane_parts import LaneParts, Moves, Planned, Superseded, Wake
from actors.outages import WokenActor, retry_until_available
from actors.vault import NotSigned, SignTransaction
from offerhub.domain.chain import (
    ALIVE_STATUSES,
    ChainFailure,
    ChainOperation,
    ChainStatus,
    FailureKind,
    Subject,
)
from offerhub.domain.chain_moves import (
    ALARM,
    RetryPolicy,
    SignedEnvelope,
    alarm,
    build_differed,
    build_refused,
    due_first,
    failed,
    outside_away,
    resumed,
    signed,
)
from offerhub.domain.intents import (
    ActivateWallets,
    ApproveMilestone,
    ChangeMilestoneStatus,
    DeployEscrow,
    DisputeEscrow,
    FundEscrow,
    Intent,
    OpenChannels,
    PayUsdc,
    RefillWallets,
    ReleaseFunds,
    ResolveDispute,
    SettleDues,
    TrustUsdc,
)
from offerhub.domain.money import Money
from offerhub.domain.users import Wallet, WalletRole
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
from offerhub.providers.trustless_work.refusals import RefusalKind

log = structlog.get_logger(__name__)

OWN_LIFETIME_S: Final = 120
"""Life of the transactions that we build: enough for several ledgers, short enough to be rebuilt."""

_REFUSALS_MAX: Final = 8
"""Refusals that may pass (a lagging read model) before an attempt that falls back is given up: a
minute, with their pauses."""

_MISMATCHES_MAX: Final = 2
"""Builds that differ from their intent before an attempt is given up."""

_LAG: Final = timedelta(seconds=6)
"""How far a server may lag behind another, and a little more: a ledger."""


class Lane(WokenActor[Never]):
    """See the module."""

    def __init__(self, source: str, parts: LaneParts) -> None:
        self._source = source
        self._parts = parts
        self._account: AccountState | None = None
        self._xlm_minimum: Money | None = None
        self._wallet: Wallet | None = None
        self._waits_for_xlm = False
        self._told: frozenset[Hashable] = frozenset()
        self._drained = False
        self._settled = False
        self._moves = Moves(parts)
        self._earlier = EarlierAttempts(parts, self._moves)
        self._follower = EnvelopeFollower(parts, self._moves)

    async def handle(self, message: Never) -> Never:
        """Nothing is asked of it: it is woken."""
        assert_never(message)

    def busy(self) -> bool:
        """Whether it must remember something: that it waits for XLM."""
        return self._waits_for_xlm or super().busy()

    async def woken(self, keys: frozenset[Hashable]) -> None:
        """Work one operation, the next one after it."""
        if Wake.REFILLED in keys:
            self._waits_for_xlm = False
        self._told = keys
        self._settled = self._settled or Wake.SETTLED in keys
        await super().woken(keys)

    async def look(self) -> None:
        """Take the next operation as far as it goes; storage has them in their order."""
        if self._settled:
            await self._resume_payments()
        found = await self._next()
        self._drained = not found
        if not found:
            return
        worked: ChainOperation | None = None
        try:
            worked = await self._work(found[0])
        except Superseded as superseded:
            log.warning("lane.operation_superseded", reason=str(superseded))
        finally:
            if worked is None:
                self._account = None  # what has happened to its sequence number is not known
        self._drained = worked is not None and not worked.is_open and len(found) == 1
        if not self._drained:
            self.self_address.wake(Wake.WORK)

    async def _next(self) -> Sequence[ChainOperation]:
        """The next operation, and whether another comes after it."""
        storage, source = self._parts.core.storage, self._source
        if not self._waits_for_xlm:
            if planned := self._only_planned():
                return (planned,)
            return await storage.next_operations(source, self._parts.core.now(), 2)
        # What it waits for comes as a wake-up. Only a refill passes: it may be its own.
        self._parts.want_refill(source)
        refills = await storage.open_operations(source=source, subject=Subject.REFILL)
        now = self._parts.core.now()
        return [each for each in refills if each.not_before is None or each.not_before <= now]

    def _only_planned(self) -> ChainOperation | None:
        """The one operation that there can be: all others had ended, or pause, when it was committed.

        Saves a busy account the read of storage; whatever else has woken the lane takes it.
        """
        if not self._drained or len(self._told) != 1:
            return None
        (told,) = self._told
        if not isinstance(told, Planned):
            return None
        operation = self._parts.operations.get(told.operation_id)
        planned = operation is not None and operation.status is ChainStatus.PLANNED
        return operation if planned else None

    async def _resume_payments(self) -> None:
        """End the pauses of payments out of this wallet: what was due to it is settled."""
        for operation in await self._parts.core.storage.open_operations(source=self._source):
            if operation.not_before is not None and _pays_out(operation.intent):
                await self._moves.commit(resumed(operation, self._parts.core.now()))
        self._settled = False

    async def _work(self, operation: ChainOperation) -> ChainOperation:
        operation = await self._earlier.settled(operation)
        if operation.status is ChainStatus.PLANNED:
            operation = await self._sign(operation)
        if operation.status in ALIVE_STATUSES:
            operation = await self._follower.follow(operation)
            if operation.status is not ChainStatus.CONFIRMED:
                self._account = None
            self._refresh(operation)
        return operation

    # From planned to signed.

    async def _sign(self, operation: ChainOperation) -> ChainOperation:
        """Build, check and sign; what does not succeed pauses, or has ended.

        An operation whose source lacks XLM comes back as it was: planned.
        """
        from_memory = self._account is not None
        lacking = await self._lacking(operation.intent)
        if lacking:
            return await self._wait_for_settlement(operation, lacking)
        try:
            account = await self._funded_account(operation.intent)
            network = await self._parts.clock.trusted()
            operation = await self._with_surplus(operation)
            intent = operation.intent
            unsigned = await self._build(intent, account, network)
        except EscrowRefused as refused:
            return await self._not_built(operation, refused)
        except (ProviderUnavailable, StellarUnavailable) as away:
            now = self._parts.core.now()
            return await self._moves.commit(
                outside_away(operation, away.reason, self._retry(), now)
            )
        except _LacksXlm as lacks:
            self._waits_for_xlm = True
            return await self._moves.note(operation, lacks.reason)
        answer = await self._asked_vault(
            SignTransaction(unsigned, intent, account.sequence + 1, network)
        )
        if isinstance(answer, SignedEnvelope):
            return await self._store_envelope(operation, account, network, answer)
        # The sequence number may be an old one, from memory or from a server that lags behind the
        # provider's (docs/spec/stellar-horizon.md §2.3): read it again, once.
        self._account = None
        return await self._not_signed(operation, answer, timedelta() if from_memory else _LAG)

    async def _not_built(self, operation: ChainOperation, refused: EscrowRefused) -> ChainOperation:
        """What has a last attempt is given up after a while; the rest pauses for ever longer."""
        paused = build_refused(operation, refused.message, self._retry(), self._parts.core.now())
        given_up = operation.rules.falls_back and paused.refusals >= _REFUSALS_MAX
        if refused.definitive or given_up:
            kind = FailureKind.REFUSED if refused.definitive else FailureKind.UNREADY
            return await self._fail(operation, kind, refused.message, refused.kind.name)
        context = self._moves.context(operation)
        alarmed = alarm(operation, paused.refusals, refused.message, context)
        paused = await self._moves.commit(paused, audit=alarmed)
        if alarmed is not None:
            log.error(ALARM, operation=operation.id, step=str(operation.step))
        return paused

    def _retry(self) -> RetryPolicy:
        return RetryPolicy(self._parts.attempts_max, self._parts.core.random())

    async def _lacking(self, intent: Intent) -> Money:
        """What is still due to the wallet that a payment needs; zero if it can pay."""
        user_id = await self._user_id() if _pays_out(intent) else None
        standing = None if user_id is None else await self._parts.core.storage.standing(user_id)
        return Money.zero() if standing is None else standing.lacking

    async def _wait_for_settlement(
        self, operation: ChainOperation, lacking: Money
    ) -> ChainOperation:
        reason = f"{lacking} USDC are still due to the wallet: waiting for their settlement"
        paused = await self._moves.commit(due_first(operation, reason, self._parts.core.now()))
        # After the pause is stored: the settlement's end comes back as a wake-up, and ends it.
        user_id = await self._user_id()
        if user_id is not None:
            self._parts.want_settlement(user_id)
        return paused

    async def _user_id(self) -> str | None:
        """The user whose wallet this lane's account is; `None` for the platform's accounts."""
        wallet = await self._own_wallet()
        return wallet.user_id if wallet is not None and wallet.role is WalletRole.USER else None

    async def _own_wallet(self) -> Wallet | None:
        if self._wallet is None:
            wallets = await self._parts.core.storage.wallets_by_address([self._source])
            self._wallet = wallets.get(self._source)
        return self._wallet

    async def _funded_account(self, intent: Intent) -> AccountState:
        """The source account, with enough XLM for its own fees.

        A refill does not wait for one: every channel may be short at once, and one must begin.
        """
        account, minimum = self._account, await self._xlm_needed()
        if account is None or account.xlm_spendable < minimum:
            account = await self._parts.network.account(self._source)
            self._account = account
        if account is None:
            msg = "the source account is not on the network yet"
            raise StellarUnavailable(msg)
        if account.xlm_spendable < minimum and not isinstance(intent, RefillWallets):
            self._account = None
            msg = "the source account is waiting for a refill of XLM"
            raise _LacksXlm(msg)
        return account

    async def _xlm_needed(self) -> Money:
        """The least that the account may have, by the role of its wallet."""
        if self._xlm_minimum is None:
            wallet = await self._own_wallet()
            policy = None if wallet is None else self._parts.xlm[wallet.role]
            self._xlm_minimum = Money.zero() if policy is None else policy.minimum
        return self._xlm_minimum

    async def _build(self, intent: Intent, account: AccountState, network: NetworkState) -> str:
        match intent:
            case (
                DeployEscrow()
                | FundEscrow()
                | ChangeMilestoneStatus()
                | ApproveMilestone()
                | ReleaseFunds()
                | DisputeEscrow()
                | ResolveDispute()
            ):
                return await self._parts.provider.build(intent)
            case (
                PayUsdc()
                | ActivateWallets()
                | RefillWallets()
                | SettleDues()
                | OpenChannels()
                | TrustUsdc()
            ):
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

    async def _with_surplus(self, operation: ChainOperation) -> ChainOperation:
        """What a resolution has to pay out: the contract's whole balance, to the stroop.

        Anyone can pay into a contract, so it is read before each build; what is signed for is
        stored with the envelope (docs/spec/domain.md §3).
        """
        intent = operation.intent
        if not isinstance(intent, ResolveDispute):
            return operation
        held = await self._parts.provider.balance(intent.contract_id, for_step=True)
        if held < intent.own:
            msg = f"the contract holds {held}, less than the {intent.own} to be paid out"
            raise EscrowRefused(msg, RefusalKind.INSUFFICIENT_FUNDS_FOR_RESOLUTION)
        return evolve(operation, intent=evolve(intent, surplus=held - intent.own))

    async def _asked_vault(self, message: SignTransaction) -> SignedEnvelope | NotSigned:
        return await retry_until_available(
            lambda: self._parts.vault.ask(message), self._parts.core.random
        )

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
            signed(operation, envelope, network.latest_ledger, self._parts.core.now()),
            audit=self._moves.context(operation).audit(
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
        spent = Money(envelope.fee_stroops)
        left = account.xlm_spendable - spent
        self._account = evolve(account, sequence=envelope.sequence, xlm_spendable=left)
        reach(f"lane.after_signed.{operation.step}")
        return stored

    async def _not_signed(
        self, operation: ChainOperation, answer: NotSigned, pause: timedelta
    ) -> ChainOperation:
        log.warning("lane.transaction_not_signed", operation=operation.id, reason=answer.reason)
        differed = await self._moves.commit(
            build_differed(operation, answer.reason, pause, self._parts.core.now()),
            audit=self._moves.context(operation).audit(
                "transaction.refuse_to_sign",
                "ChainOperation",
                operation.id,
                result="refused",
                error=answer.reason,
                after={"step": str(operation.step), "source": operation.source},
            ),
        )
        if differed.mismatches < _MISMATCHES_MAX:
            return differed
        kind = FailureKind.STALE if answer.stale else FailureKind.FOREIGN
        return await self._fail(differed, kind, answer.reason, None)

    async def _fail(
        self, operation: ChainOperation, kind: FailureKind, message: str, code: str | None
    ) -> ChainOperation:
        failure = ChainFailure(kind, message, code)
        return await self._moves.commit(failed(operation, failure, self._parts.core.now()))

    def _refresh(self, operation: ChainOperation) -> None:
        """Tell the provider's read model of calls that went past it; nobody waits for it.

        Once an action, after its last step: the model takes the contract as it stands, and each
        call counts under the provider's limit.
        """
        if operation.status is not ChainStatus.CONFIRMED:
            return
        if operation.tx_hash is not None and operation.rules.refreshes:
            self.spawn_best_effort(self._parts.provider.refresh, operation.tx_hash)
        if isinstance(operation.intent, ReleaseFunds | ResolveDispute):
            self.spawn_best_effort(self._tell_surplus, operation, operation.intent)

    async def _tell_surplus(
        self, operation: ChainOperation, intent: ReleaseFunds | ResolveDispute
    ) -> None:
        """Log a stranger's money in a contract whose order has ended.

        A resolution has paid it to the platform; a release leaves it where nobody can claim it.
        """
        if isinstance(intent, ResolveDispute):
            surplus, left = intent.surplus, False
        else:
            surplus, left = await self._parts.provider.balance(intent.contract_id), True
        if surplus:
            log.warning(
                "escrow.surplus",
                order=operation.subject_id,
                contract=intent.contract_id,
                amount=str(surplus),
                left_in_contract=left,
            )


def _pays_out(intent: Intent) -> bool:
    """Whether money leaves the source's wallet by it: what is still due to that is needed first."""
    return isinstance(intent, FundEscrow | PayUsdc)


class _LacksXlm(Exception):
    """The source cannot pay its fees yet."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
