"""The steps of work on the chain, by name (docs/spec/domain.md §3, the table of steps)."""

from enum import StrEnum

from attrs import frozen


class StepKind(StrEnum):
    """What a step does."""

    DEPLOY = "deploy"
    FUND = "fund"
    COMPLETE = "complete"
    APPROVE = "approve"
    RELEASE = "release"
    DISPUTE = "dispute"
    RESOLVE = "resolve"
    PAY = "pay"
    ACTIVATE = "activate"
    REFILL = "refill"
    SETTLE = "settle"
    OPEN_CHANNELS = "open_channels"
    TRUST = "trust"


@frozen
class Step:
    """One step; `milestone` is an index into the contract's milestones, for those about one."""

    kind: StepKind
    milestone: int | None = None

    def __str__(self) -> str:
        """The step's name in logs, audit entries and failpoints: `fund`, `complete:0`."""
        return self.kind if self.milestone is None else f"{self.kind}:{self.milestone}"


DEPLOY = Step(StepKind.DEPLOY)
FUND = Step(StepKind.FUND)
RELEASE = Step(StepKind.RELEASE)
DISPUTE = Step(StepKind.DISPUTE)
RESOLVE = Step(StepKind.RESOLVE)


@frozen
class StepHash:
    """The transaction that a step was confirmed with."""

    step: Step
    tx_hash: str
