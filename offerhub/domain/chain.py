"""Chain operations: every effect on the chain is journalled before it acts (docs/spec/domain.md §3)."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from attrs import field, frozen

from offerhub.domain.errors import InvariantViolated
from offerhub.domain.intent_rules import IntentRules, rules_of
from offerhub.domain.intents import Intent
from offerhub.domain.money import Money
from offerhub.domain.steps import Step
from offerhub.domain.trace import Trace


class ChainStatus(StrEnum):
    """planned → signed → submitted → confirmed | failed | expired."""

    PLANNED = "planned"
    SIGNED = "signed"
    SUBMITTED = "submitted"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    EXPIRED = "expired"


OPEN_STATUSES: Final = frozenset({ChainStatus.PLANNED, ChainStatus.SIGNED, ChainStatus.SUBMITTED})

ALIVE_STATUSES: Final = frozenset({ChainStatus.SIGNED, ChainStatus.SUBMITTED})
"""An envelope in one of these may still be applied: its step is not built again."""

CHAIN_MOVES: Final[Mapping[ChainStatus, frozenset[ChainStatus]]] = MappingProxyType(
    {
        ChainStatus.PLANNED: frozenset({ChainStatus.SIGNED, ChainStatus.FAILED}),
        ChainStatus.SIGNED: frozenset(
            {
                ChainStatus.SUBMITTED,
                ChainStatus.CONFIRMED,
                ChainStatus.FAILED,
                ChainStatus.EXPIRED,
            }
        ),
        ChainStatus.SUBMITTED: frozenset(
            {ChainStatus.CONFIRMED, ChainStatus.FAILED, ChainStatus.EXPIRED}
        ),
        ChainStatus.CONFIRMED: frozenset(),
        ChainStatus.FAILED: frozenset(),
        ChainStatus.EXPIRED: frozenset(),
    }
)


class Subject(StrEnum):
    """What an operation belongs to: the kind of actor that is woken when it has ended."""

    ORDER = "order"
    WITHDRAWAL = "withdrawal"
    ACTIVATION = "activation"
    REFILL = "refill"
    SETTLEMENT = "settlement"
    BOOTSTRAP = "bootstrap"


@frozen
class PayoutSeen:
    """A transfer of USDC that the chain reports of a confirmed operation."""

    source: str
    destination: str
    amount: Money


class FailureKind(StrEnum):
    """Why an operation has ended without its effect.

    `REFUSED`: the provider, or the network, has definitively refused it, before or after it was
    included. `UNREADY`: the provider would not build it, again and again, in words that may pass.
    `FOREIGN`: what the provider built was not what we asked for, so it got no signature. `STALE`:
    it was, but about to expire, so it got none either. `DEAD`: a ledger closed after its `maxTime`
    without it. `INCLUDED`: it is on the chain, and failed there for a reason that another attempt
    may not meet. `WITHDRAWN`: whoever had asked for it took it back before it was signed.
    """

    REFUSED = "refused"
    UNREADY = "unready"
    FOREIGN = "foreign"
    STALE = "stale"
    DEAD = "dead"
    INCLUDED = "included"
    WITHDRAWN = "withdrawn"


@frozen
class ChainFailure:
    """How an operation failed.

    Args:
        code: the network's or the provider's kind, if it gave one.
        operations: of a transaction that a ledger includes, the result of each of its operations.
    """

    kind: FailureKind
    message: str
    code: str | None = None
    operations: tuple[str, ...] = ()


@frozen
class ChainOperation:
    """One attempt at one step: at most one envelope.

    Args:
        subject, subject_id: what it belongs to.
        intent: what is asked of the chain, whole: a lane needs nothing else to work it.
        attempt: counts the envelopes of a step, from 1.
        not_before: nobody begins it earlier; `None` at once.
        refusals, mismatches, outages: builds of this attempt that were refused in words that may
            pass, that differed from the intent, and that the outside did not answer.
        tx_hash, envelope, sequence, max_time: set when signed; `max_time` in Unix seconds.
        signed_after: the network's newest ledger when it was signed.
        unclear_since: its sequence number was used and its hash is in no ledger that is shown: it waits
            for an operator's look (`domain.envelope_death`).
        contract_id: of a deployment, derived from the envelope before it is submitted.
        payouts: transfers that the chain reports, for the steps that pay out.
        last_error: what went wrong on the way, while it is still open.
        accepted_by: the operator who has its payouts booked as they are, though nothing explains them.
    """

    id: str
    version: int
    subject: Subject
    subject_id: str
    intent: Intent
    attempt: int
    status: ChainStatus
    trace: Trace
    created_at: datetime
    updated_at: datetime
    not_before: datetime | None = None
    refusals: int = 0
    mismatches: int = 0
    outages: int = 0
    tx_hash: str | None = None
    envelope: str | None = field(default=None, repr=False)
    sequence: int | None = None
    max_time: int | None = None
    signed_after: int | None = None
    unclear_since: datetime | None = None
    contract_id: str | None = None
    ledger: int | None = None
    closed_at: datetime | None = None
    payouts: tuple[PayoutSeen, ...] = ()
    failure: ChainFailure | None = None
    last_error: str | None = None
    accepted_by: str | None = None

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def source(self) -> str:
        """Address of the transaction's source account: its lane."""
        return self.intent.source

    @property
    def rules(self) -> IntentRules:
        return rules_of(self.intent)

    @property
    def step(self) -> Step:
        return self.rules.step


def check_move(before: ChainStatus, after: ChainStatus) -> None:
    """Raise `InvariantViolated` when an operation may not go from one status to the other."""
    if after is not before and after not in CHAIN_MOVES[before]:
        msg = f"a chain operation does not go from {before.value} to {after.value}"
        raise InvariantViolated(msg)
