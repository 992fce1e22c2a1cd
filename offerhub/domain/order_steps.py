"""The steps of an order's work on the chain, and whose account is the source of each (domain.md §3)."""

from typing import Final

from attrs import frozen

from offerhub.domain.chain import ChainOperation, ChainStatus, Subject
from offerhub.domain.deciding import Deciding
from offerhub.domain.errors import InvariantViolated
from offerhub.domain.order import (
    Escrow,
    Order,
)

DEPLOY: Final = "deploy"
FUND: Final = "fund"
COMPLETE: Final = "complete"
APPROVE: Final = "approve"
RELEASE: Final = "release"


@frozen
class Lanes:
    """Source accounts of an order's steps: addresses of a channel, the buyer and the seller."""

    channel: str
    buyer: str
    seller: str

    def of(self, step: str) -> str:
        """Who is the source of a step (domain.md §3, the table of steps)."""
        kind = step.partition(":")[0]
        match kind:
            case "deploy":
                return self.channel
            case "complete":
                return self.seller
            case "fund" | "approve" | "release":
                return self.buyer
            case _:
                msg = f"no lane is known for the step {step}"
                raise InvariantViolated(msg)


def plan_step(
    order: Order, step: str, attempt: int, lanes: Lanes, deciding: Deciding
) -> ChainOperation:
    """Plan one attempt at a step."""
    return ChainOperation(
        id=deciding.ids.new("cop"),
        version=1,
        subject=Subject.ORDER,
        subject_id=order.id,
        step=step,
        attempt=attempt,
        source=lanes.of(step),
        status=ChainStatus.PLANNED,
        trace=deciding.trace.without_claim(),
        created_at=deciding.now,
        updated_at=deciding.now,
    )


def standing_escrow(order: Order) -> Escrow:
    """The escrow of an order that must have one."""
    if order.escrow is None:
        msg = f"{order.id} is {order.status.value} without an escrow"
        raise InvariantViolated(msg)
    return order.escrow
