"""The order and what belongs to it: its milestones, its escrow, its work on the chain (docs/spec/domain.md §2)."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from attrs import field, frozen

from offerhub.domain.dispute import Dispute
from offerhub.domain.fees import FeesKept, FeeTerms
from offerhub.domain.money import Money
from offerhub.domain.steps import Step, StepHash
from offerhub.domain.trace import IdempotencyClaim, Trace


class OrderStatus(StrEnum):
    """States of an order; `CLOSED` is the only terminal one."""

    ORDER_CREATED = "ORDER_CREATED"
    FUNDS_RESERVED = "FUNDS_RESERVED"
    ESCROW_CREATING = "ESCROW_CREATING"
    ESCROW_FUNDING = "ESCROW_FUNDING"
    ESCROW_FUNDED = "ESCROW_FUNDED"
    IN_PROGRESS = "IN_PROGRESS"
    RELEASE_REQUESTED = "RELEASE_REQUESTED"
    RELEASED = "RELEASED"
    REFUND_REQUESTED = "REFUND_REQUESTED"
    REFUNDED = "REFUNDED"
    DISPUTED = "DISPUTED"
    CLOSED = "CLOSED"


class Outcome(StrEnum):
    """How a closed order ended."""

    CANCELED = "CANCELED"
    RELEASED = "RELEASED"
    REFUNDED = "REFUNDED"
    SPLIT = "SPLIT"


class EscrowStatus(StrEnum):
    """States of an escrow; after a split it is `RELEASED`."""

    CREATING = "CREATING"
    CREATED = "CREATED"
    FUNDING = "FUNDING"
    FUNDED = "FUNDED"
    RELEASING = "RELEASING"
    RELEASED = "RELEASED"
    REFUNDING = "REFUNDING"
    REFUNDED = "REFUNDED"
    DISPUTED = "DISPUTED"


class MilestoneStatus(StrEnum):
    """A milestone is completed by its seller, at once and without the chain."""

    OPEN = "OPEN"
    COMPLETED = "COMPLETED"


@frozen
class Milestone:
    """A part of an order: `ref` is unique in it, the amounts sum to the order's."""

    ref: str
    title: str
    amount: Money
    status: MilestoneStatus = MilestoneStatus.OPEN
    completed_at: datetime | None = None


@frozen
class MilestoneOf:
    """A milestone with the order that it belongs to, as it is shown alone."""

    order_id: str
    milestone: Milestone


DELIVERY = "delivery"
"""The one milestone that the contract of an order without milestones gets."""


@frozen
class Escrow:
    """The contract that holds an order's money; its confirmed transactions in their order.

    Args:
        updated_at: the last change of it; `None`: its creation.
    """

    id: str
    status: EscrowStatus
    created_at: datetime
    contract_id: str | None = None
    transaction_hashes: tuple[StepHash, ...] = ()
    funded_at: datetime | None = None
    released_at: datetime | None = None
    refunded_at: datetime | None = None
    updated_at: datetime | None = None


class Operation(StrEnum):
    """What a caller asked for that takes the chain's time."""

    ESCROW = "escrow"
    FUND = "fund"
    RELEASE = "release"
    REFUND = "refund"
    DISPUTE = "dispute"
    RESOLVE = "resolve"


@frozen
class Process:
    """An order's work on the chain: a list of steps that was stored before the first began.

    Args:
        operation: what was asked for.
        steps: the chain steps in order.
        step: index of the step that is on the way.
        attempt: number of envelopes that this step has needed, the present one included.
        chain_operation_id: the journalled operation of the step that is on the way.
        since: when it was asked for.
        trace: of the request that asked, so that the end is reported under its correlation id.
        last_error: why the attempt before failed, for people.
    """

    operation: Operation
    steps: tuple[Step, ...]
    step: int
    attempt: int
    chain_operation_id: str
    since: datetime
    trace: Trace
    last_error: str | None = None

    @property
    def current(self) -> Step:
        return self.steps[self.step]

    @property
    def about_dispute(self) -> bool:
        """Whether who asked for it is answered with the dispute instead of the order."""
        return self.operation in {Operation.DISPUTE, Operation.RESOLVE}


@frozen
class FailedAttempt:
    """Why an escrow or a funding has fallen back (docs/spec/domain.md §3): what the 502 shows.

    Args:
        code: the network's or the provider's kind, if it gave one.
    """

    operation: Operation
    attempts: int
    last_error: str
    since: datetime
    code: str | None = None


@frozen
class Order:
    """An order between a buyer and a seller; `version` counts its commits.

    Args:
        expires_at: an order whose escrow was not begun by then is closed; `None`: it waits.
        auto_release_at: a completed order is released then; `None`: it waits for the buyer.
        unanswered: the key of a release that a dispute has taken the place of, until it has its
            final answer.
    """

    id: str
    version: int
    buyer_id: str
    seller_id: str
    amount: Money
    currency: str
    title: str
    status: OrderStatus
    created_at: datetime
    updated_at: datetime
    description: str | None = None
    client_order_ref: str | None = None
    milestones: tuple[Milestone, ...] = ()
    metadata: Mapping[str, object] = field(factory=dict)
    outcome: Outcome | None = None
    escrow_id: str | None = None
    escrow: Escrow | None = None
    dispute: Dispute | None = None
    fee_terms: FeeTerms | None = None
    fees: FeesKept | None = None
    process: Process | None = None
    failed_attempt: FailedAttempt | None = None
    closed_at: datetime | None = None
    expires_at: datetime | None = None
    auto_release_at: datetime | None = None
    unanswered: IdempotencyClaim | None = None

    @property
    def in_flight(self) -> bool:
        """Whether its work on the chain has not been taken to its end."""
        return self.process is not None

    @property
    def chain_operation_id(self) -> str | None:
        """The present operation of its work on the chain."""
        return None if self.process is None else self.process.chain_operation_id

    @property
    def contract_milestones(self) -> tuple[str, ...]:
        """Refs of the contract's milestones: the order's, or the one named `delivery`."""
        return tuple(milestone.ref for milestone in self.milestones) or (DELIVERY,)
