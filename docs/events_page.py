"""docs/events.md: every type of event, its payload, when it comes, and one from a real run."""
# ruff: noqa: E501 - a neighbour of docs/generate.py, and prose with one sentence a line

import json
import runpy
from pathlib import Path
from typing import Final, cast

_DOCS: Final = Path(__file__).resolve().parent
_EXAMPLES: Final = _DOCS / "event-examples.json"
_SHAPES: Final = _DOCS.parent / "tests" / "domain" / "event_shapes.py"

Shape = tuple[str, set[str], set[str]]

_MEANINGS: Final = {
    "user.created": "A user was created, with a wallet that is not on the chain yet.",
    "wallet.created": "The user's wallet stands on the chain and can receive USDC.",
    "balance.credited": "Available has grown: a deposit, a release, a failed or canceled withdrawal.",
    "balance.debited": "Money has left the balance: a withdrawal, or a funded escrow.",
    "balance.reserved": "An order's amount has moved from available to reserved.",
    "balance.released": "Reserved money is available again: the order was canceled or refunded.",
    "order.created": "An order was created; no money has moved.",
    "order.funds_reserved": "The order's amount is reserved."
    " With `reason`: the order has fallen back here, because its contract could not be deployed.",
    "order.escrow_creating": "The deployment of the contract has begun."
    " With `reason`: the order has fallen back here, because its contract could not be funded.",
    "order.escrow_funding": "The funding of the contract has begun.",
    "order.escrow_funded": "The contract holds the order's amount.",
    "order.in_progress": "The work may begin; milestones can be completed.",
    "order.release_requested": "The release to the seller has begun; it cannot be taken back.",
    "order.refund_requested": "The refund to the buyer has begun.",
    "order.released": "The seller has been paid; `fees` is what the contract kept.",
    "order.refunded": "The buyer has the money back.",
    "order.canceled": "The order was canceled before its escrow.",
    "order.closed": "The order has ended; `outcome` says how.",
    "escrow.created": "The contract stands on the chain.",
    "escrow.funding_started": "The funding of the contract has begun.",
    "escrow.funded": "The chain has confirmed the funding.",
    "escrow.milestone_completed": "The seller has completed a milestone.",
    "escrow.released": "The contract has paid the seller.",
    "escrow.refunded": "The escrow ended without a payment to the seller.",
    "escrow.attempt_failed": "A deployment or a funding did not reach the chain."
    " `willRetry` says whether it is tried again by itself; else the order has fallen back.",
    "withdrawal.created": "A withdrawal was created; its amount has left available.",
    "withdrawal.committed": "The withdrawal is being paid and can no longer be canceled.",
    "withdrawal.completed": "The chain has confirmed the payment.",
    "withdrawal.failed": "The network has refused the payment for good; the money is available again.",
    "withdrawal.canceled": "The withdrawal was canceled; the money is available again.",
}

_HEAD: Final = """# Events

Generated from `tests/domain/event_shapes.py`, to which the tests hold every event, and from `docs/event-examples.json` by `make docs`.
The examples come from one real run; `make check` fails if one has other fields than its type.

An event is committed in the same transaction as what it tells: none is lost, and none is invented.
Their order is one global sequence without gaps; the stream sends it as the SSE `id`, and `data` is the event as one line of JSON.

- `amount` in `order.*` and `escrow.*` is the order's; in `balance.*` it is what moved.
- `newBalance`, `newSellerBalance`, `newBuyerBalance` and `availableBalance` are the available balance after the commit that the event tells of.
- Amounts are strings with two places, rounded down; `fees` has seven.
- `metadata.correlationId` is the `X-Request-ID` of the request that began it; what the process did by itself has one of its own.
- `metadata.userId` is the user whom the event concerns.
- Fields in *italics* are there only in some events of the type.

How to read the stream, and how to come back after a break: [the integration guide](integration-guide.md#the-event-stream).
"""


def render_events() -> str:
    """The page. Raises `ValueError` if types, meanings and examples are not in step."""
    shapes = cast("dict[str, Shape]", runpy.run_path(str(_SHAPES))["SHAPES"])
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
            raise ValueError(f"either no type of event or without {what}: {differing}")
    for name, (aggregate, always, sometimes) in shapes.items():
        example = examples[name]
        fields = set(cast("dict[str, object]", example["payload"]))
        if example["aggregateType"] != aggregate or not always <= fields <= always | sometimes:
            raise ValueError(f"the example of {name} has not the fields of its type")


def _in_order(first: list[str], names: set[str]) -> list[str]:
    return [*first, *sorted(names - set(first))]


def _sentences(text: str) -> list[str]:
    return [f"{each.rstrip('.')}." for each in text.split(". ")]
