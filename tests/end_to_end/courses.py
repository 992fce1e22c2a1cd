"""The other ways that a purchase can go: a dispute that ends in a split, and a refund."""

from typing import Any, Final

from offerhub.domain.money import Money
from tests.end_to_end.purchase import ACTIONS, Action, Course, Purchase, of_order

_FUNDED: Final = ACTIONS[: [action.name for action in ACTIONS].index("fund") + 1]
"""What every purchase does first: up to the contract that holds the money."""

_NOTHING: Final = Money.zero()


def _dispute(purchase: Purchase) -> Any:
    return purchase.get(f"/disputes/{purchase.answers['dispute'].data['id']}")


def _of_dispute(
    name: str, path: str, before: str, after: str, events: tuple[str, ...], **body: str
) -> Action:
    return Action(
        name=name,
        path=lambda purchase: f"/disputes/{purchase.answers['dispute'].data['id']}/{path}",
        body=lambda _: dict(body),
        standing=lambda purchase: str(_dispute(purchase)["status"]),
        before=before,
        after=after,
        events=events,
    )


SPLIT: Final = Course(
    actions=(
        *_FUNDED,
        of_order(
            "dispute",
            "resolution/dispute",
            "IN_PROGRESS",
            "DISPUTED",
            ("order.disputed", "dispute.opened", "escrow.disputed"),
            openedBy="SELLER",
            reason="OTHER",
        ),
        _of_dispute(
            "assign",
            "assign",
            "OPEN",
            "UNDER_REVIEW",
            ("dispute.under_review",),
            assignedTo="agent 7",
        ),
        _of_dispute(
            "resolve",
            "resolve",
            "UNDER_REVIEW",
            "RESOLVED",
            (
                "balance.credited",
                "balance.credited",
                "escrow.released",
                "dispute.resolved",
                "order.closed",
            ),
            decision="SPLIT",
            releaseAmount="50.00",
            refundAmount="30.00",
        ),
    ),
    buyer_left=Money.parse("50.00"),
    seller_left=Money.parse("50.00"),
    withdrawn=_NOTHING,
    buyer_calls={"fund_escrow": 1},
    seller_calls={"dispute_escrow": 1},
    platform_calls={"resolve_dispute": 1},
)
"""The seller disputes, support looks at it, and both get their share; the platform bears the contract's fee."""

REFUNDED: Final = Course(
    actions=(
        *_FUNDED,
        of_order(
            "refund",
            "resolution/refund",
            "IN_PROGRESS",
            "CLOSED",
            (
                "order.refund_requested",
                "balance.credited",
                "escrow.refunded",
                "order.refunded",
                "order.closed",
            ),
            reason="it never came",
        ),
    ),
    buyer_left=Money.parse("100.00"),
    seller_left=_NOTHING,
    withdrawn=_NOTHING,
    buyer_calls={"fund_escrow": 1, "dispute_escrow": 1},
    seller_calls={},
    platform_calls={"resolve_dispute": 1},
)
"""Nothing is delivered, and the buyer gets all of it back; the platform bears the contract's fee."""
