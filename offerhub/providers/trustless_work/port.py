"""What the orchestrator asks of the escrow contracts' provider, whoever answers.

`build` and the reads answer or raise; `send` never raises for trouble on the way, it answers `Unknown`, because
its outcome can always be found by the transaction's hash (docs/spec/trustless-work.md §12).
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Protocol

from attrs import frozen

from offerhub.domain.intents import EscrowIntent
from offerhub.domain.money import Money
from offerhub.providers.trustless_work.refusals import RefusalKind

BALANCES_MAX: Final = 20
"""Contracts that one question about balances may name (docs/spec/trustless-work.md §4)."""


class ProviderUnavailable(Exception):
    """The provider did not answer, or not understandably: nothing is known to have happened."""

    def __init__(self, reason: str, *, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.timed_out = timed_out
        """Tells `PROVIDER_TIMEOUT` from `PROVIDER_UNAVAILABLE`."""


class ProviderRateLimited(ProviderUnavailable):
    """The provider did not work the request because too many came; repeating it later is safe (§1)."""

    def __init__(self, retry_after_s: float | None) -> None:
        super().__init__("the escrow provider is limiting our request rate")
        self.retry_after_s = retry_after_s


class EscrowRefused(Exception):
    """The contract or the provider refuses the step, and nothing was changed."""

    def __init__(self, message: str, kind: RefusalKind) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind

    @property
    def definitive(self) -> bool:
        """Whether asking again later cannot help."""
        return self.kind.definitive


@frozen
class Sent:
    """The provider says that the transaction is on chain."""

    contract_id: str | None
    """The new contract after a deployment; compare it with `contract_id_of_deploy`."""


@frozen
class Refused:
    """The provider says that the transaction was refused; look the hash up before believing it."""

    message: str
    kind: RefusalKind


@frozen
class SendUnknown:
    """Nobody knows whether the envelope reached the network: look it up by its hash."""

    reason: str


SendResult = Sent | Refused | SendUnknown


@frozen
class MilestoneRecord:
    """A milestone as the contract holds it."""

    description: str
    status: str
    evidence: str
    approved: bool


@frozen
class EscrowRecord:
    """An escrow as the provider reads it from the chain (§4)."""

    contract_id: str
    engagement_id: str
    title: str
    description: str
    approver: str
    service_provider: str
    platform: str
    release_signer: str
    dispute_resolver: str
    receiver: str
    amount: Money
    platform_fee_percent: Decimal
    balance: Money | None
    """As the indexer has it: may lag, `EscrowProvider.balance` reads the chain."""
    milestones: tuple[MilestoneRecord, ...]
    disputed: bool
    released: bool
    resolved: bool


class EscrowProvider(Protocol):
    """The escrow contracts' provider as the orchestrator needs it."""

    async def build(self, intent: EscrowIntent) -> str:
        """Compose the step and return its unsigned envelope, base64; nothing is changed anywhere.

        Raises: `EscrowRefused`, `ProviderRateLimited`, `ProviderUnavailable`.
        """
        ...

    async def send(self, signed_xdr: str) -> SendResult:
        """Hand in a signed envelope; cancelled, the outcome is unknown."""
        ...

    async def refresh(self, tx_hash: str) -> None:
        """Tell the provider's read model of a transaction that went past it; best effort, never raises for trouble."""
        ...

    async def escrow(self, contract_id: str) -> EscrowRecord | None:
        """The escrow validated against the chain, or `None` if the provider does not know it (yet: §4)."""
        ...

    async def balance(self, contract_id: str, *, for_step: bool = False) -> Money:
        """The contract's USDC, read from the chain.

        Args:
            for_step: a step that moves money waits for it: it goes before what is only looked at.
        """
        ...

    async def balances(self, contract_ids: Sequence[str]) -> dict[str, Money]:
        """Contracts' USDC, read from the chain; at most `BALANCES_MAX` in one call."""
        ...
