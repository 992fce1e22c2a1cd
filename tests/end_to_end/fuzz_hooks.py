"""Hooks for schemathesis: orders of users that exist, so that its chains of calls get further.

Only calls that are meant to be right are touched; what is meant to be refused goes as it was made.
"""

import os
from typing import Any

import schemathesis
from schemathesis import GenerationMode

BUYER = os.environ.get("OFFERHUB_FUZZ_BUYER", "")
SELLER = os.environ.get("OFFERHUB_FUZZ_SELLER", "")
AMOUNT = "5.00"


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Let a new order be one that can be bought, and a split be one that sums up."""
    del context, kwargs
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    body, operation = case.body, case.operation.definition.raw.get("operationId")
    if not isinstance(body, dict):
        return
    if operation == "createOrder":
        body |= {"buyerId": BUYER, "sellerId": SELLER, "amount": AMOUNT}
        body.pop("clientOrderRef", None)
        for deadline in ("expiresAt", "autoReleaseAt"):
            body.pop(deadline, None)
        if body.get("milestones"):
            body["milestones"] = [{"ref": "m1", "title": "All of it", "amount": AMOUNT}]
    elif operation == "reserveOrder":
        body.pop("amount", None)
    elif operation == "resolveDispute":
        split = body.get("decision") == "SPLIT"
        body |= {
            "releaseAmount": "2.00" if split else None,
            "refundAmount": "3.00" if split else None,
        }
    elif operation == "createWithdrawal":
        body["userId"] = BUYER
