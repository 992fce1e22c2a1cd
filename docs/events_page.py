"""docs/events.md: every type of event, its payload, when it comes, and one from a real run."""
# ruff: noqa: E501 - a neighbour of docs/generate.py, and prose with one sentence a line

import json
from pathlib import Path
from typing import Final, cast

from offerhub.domain.event_catalog import EVENT_TYPES

_DOCS: Final = Path(__file__).resolve().parent
_EXAMPLES: Final = _DOCS / "event-examples.json"

Shape = tuple[str, set[str], set[str]]

_MEANINGS: Final = {
    "user.created": "A user was created; the wallet is not on the chain yet.",
    "wallet.created": "The user's wallet is active on the chain and can receive USDC.",
    "balance.credited": "The available balance has increased: a deposit, a release, a refund, a resolved dispute, or a failed or canceled withdrawal.",
    "balance.debited": "Money has left the balance: a withdrawal was created, or an escrow was funded.",
    "balance.reserved": "An order's amount has moved from available to reserved.",
    "balance.released": "Reserved money is available again: the order was canceled or refunded.",
    "order.created": "An order was created; no money has moved yet.",
    "order.funds_reserved": "The order's amount is reserved."
    " With `reason`: the contract could not be deployed, and the order has returned to this state.",
    "order.escrow_creating": "The deployment of the contract has started."
    " With `reason`: the contract could not be funded, and the order has returned to this state.",
    "order.escrow_funding": "The funding of the contract has started.",
    "order.escrow_funded": "The contract holds the order's amount.",
    "order.in_progress": "Work can start; milestones can be completed.",
    "order.release_requested": "The release to the seller has started; it cannot be undone."
    " `requestedBy` is `system` and `reason` is `auto_release` when its `autoReleaseAt` has passed.",
    "order.refund_requested": "The refund to the buyer has started.",
    "order.released": "The seller has been paid; `fees` is what the contract kept.",
    "order.refunded": "The buyer has been refunded; `fees` is what the contract kept.",
    "order.deadlines_changed": "A deadline was set or moved; the payload has both, `null` for none.",
    "order.disputed": "The order is frozen: every other action is refused until the dispute is resolved."
    " The freeze of the contract follows.",
    "order.canceled": "The order was canceled before it had an escrow."
    " `canceledBy` is `system` and `reason` is `expired` when its `expiresAt` has passed.",
    "order.closed": "The order is closed; `outcome` says how it ended, and both amounts how it was split.",
    "escrow.created": "The contract is deployed on the chain.",
    "escrow.funding_started": "The funding of the contract has started.",
    "escrow.funded": "The chain has confirmed the funding.",
    "escrow.milestone_completed": "The seller has completed a milestone.",
    "escrow.released": "The contract has paid the seller.",
    "escrow.refunded": "The escrow ended without a payment to the seller; with a transaction if the contract was funded.",
    "escrow.disputed": "The chain has frozen the contract; the dispute can be resolved.",
    "escrow.attempt_failed": "An attempt to deploy or fund the contract failed."
    " `willRetry` says whether another attempt follows by itself; if not, the order has returned to the state before.",
    "dispute.opened": "A dispute was opened about the order's money.",
    "dispute.under_review": "The dispute was given to whoever looks at it, or to another one.",
    "dispute.resolved": "The chain has paid out what was decided; `buyerAmount` and `sellerAmount` are the shares before fees.",
    "withdrawal.created": "A withdrawal was created; its amount has left available.",
    "withdrawal.committed": "The withdrawal is being paid and can no longer be canceled.",
    "withdrawal.completed": "The chain has confirmed the payment.",
    "withdrawal.failed": "The payment failed for good; the money is available again.",
    "withdrawal.canceled": "The withdrawal was canceled; the money is available again.",
}

_HEAD: Final = """# Events

Generated from `offerhub/domain/event_catalog.py`, against which the tests check every event, and from `docs/event-examples.json` by `make docs`.
The examples come from real runs; `make check` fails if the fields of one differ from its type.

An event is committed in the same transaction as the change that it reports: none is lost, and none is invented.
Events form one global sequence without gaps; the stream sends the position as the SSE `id`, and the event as one line of JSON in `data`.

- `amount` in `order.*` and `escrow.*` is the order's; in `balance.*` it is what moved.
- `newBalance`, `newSellerBalance`, `newBuyerBalance` and `availableBalance` are the available balance after the commit that the event reports.
- Amounts are strings with two decimals, rounded down; `fees` has seven.
- `metadata.correlationId` is the `X-Request-ID` of the request that started it; work that the process starts by itself has an id of its own.
- `metadata.userId` is the user whom the event concerns.
- Fields in *italics* are present only in some events of the type.

How to read the stream, and how to resume after a disconnect: [the integration guide](integration-guide.md#the-event-stream).
"""


def render_events() -> str:
    """The page. Raises `ValueError` if types, meanings and examples differ."""
    shapes = {
        name: (each.aggregate, set(each.always), set(each.sometimes))
        for name, each in EVENT_TYPES.items()
    }
    examples = {each["eventType"]: each for each in json.loads(_EXAMPLES.read_text("utf-8"))}
    _check(shapes, examples)
    lines = [_HEAD, "| type | aggregate | payload |", "|---|---|---|"]
    for name, (aggregate, always, sometimes) in shapes.items():
        fields = _in_order([*examples[name]["payload"]], always | sometimes)
        shown = ", ".join(f"*{each}*" if each in sometimes else each for each in fields)
        lines.append(f"| [`{name}`](#{name.replace('.', '')}) | {aggregate} | {shown} |")
    for name in shapes:
        example = json.dumps(examples[name], indent=2, ensure_ascii=False)
        lines += ["", f"## {name}", "", *_sentences(_MEANINGS[name]), "", "```json", example, "```"]
    return "\n".join(lines) + "\n"


def _check(shapes: dict[str, Shape], examples: dict[str, dict[str, object]]) -> None:
    for what, names in (("a meaning", set(_MEANINGS)), ("an example", set(examples))):
        if names != set(shapes):
            differing = ", ".join(sorted(names ^ set(shapes)))
            raise ValueError(f"unknown event types, or types without {what}: {differing}")
    for name, (aggregate, always, sometimes) in shapes.items():
        example = examples[name]
        fields = set(cast("dict[str, object]", example["payload"]))
        if example["aggregateType"] != aggregate or not always <= fields <= always | sometimes:
            raise ValueError(f"the example of {name} does not have the fields of its type")


def _in_order(first: list[str], names: set[str]) -> list[str]:
    return [*first, *sorted(names - set(first))]


def _sentences(text: str) -> list[str]:
    return [f"{each.rstrip('.')}." for each in text.split(". ")]
