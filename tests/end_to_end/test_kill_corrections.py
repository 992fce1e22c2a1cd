"""The orchestrator is killed in the middle of holds, corrections and webhooks, and each has one effect.

One process after the other dies at a point; the next is asked the same again, under the same key.
"""

import hmac
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest
from attrs import field, frozen

from offerhub.domain.ledger import check_identities
from tests.end_to_end import books
from tests.end_to_end.case import Case, Grounds, open_case
from tests.end_to_end.process import Orchestrator

_SECRET: Final = "whsec-of-the-kill-tests"
_ENV: Final = {"TRUSTLESS_WEBHOOK_SECRET": _SECRET, "SETTLEMENT_SECONDS": "1"}
_WAIT_S: Final = 60


@frozen
class Step:
    """One request, and the failpoint at which the process dies of it."""

    point: str
    path: str
    body: Mapping[str, Any]
    key: str = field(factory=lambda: str(uuid4()))  # the same over all lives

    def sent(self, orchestrator: Orchestrator) -> Any:
        """The answer's body; raises `httpx.TransportError` when the process is gone."""
        content = json.dumps(self.body).encode()
        with orchestrator.client() as client:
            answer = client.post(
                self.path,
                content=content,
                headers={"Content-Type": "application/json", **self.proof(content)},
            )
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()

    def proof(self, content: bytes) -> dict[str, str]:
        """The signature of a webhook, or the key of anything else."""
        if self.path.startswith("/webhooks"):
            return {"X-TW-Signature": hmac.new(_SECRET.encode(), content, sha256).hexdigest()}
        return {"Idempotency-Key": self.key}


def steps(buyer: str, seller: str) -> tuple[Step, ...]:
    def of(user: str, what: str, point: str, **body: str) -> Step:
        return Step(point, f"/users/{user}/balance/{what}", body)

    def hint(point: str) -> Step:
        # Of a contract that is none of ours: there is nothing to look at, and it is done.
        event = {"type": "escrow.updated", "event_id": point, "data": {"contract_id": "C" * 56}}
        return Step(point, "/webhooks/trustless-work", event)

    said = {"description": "a correction"}
    return (
        of(buyer, "reserve", "balance.before_hold", amount="20.00", reference="first"),
        of(buyer, "reserve", "balance.after_hold", amount="30.00", reference="second"),
        of(
            buyer,
            "release",
            "balance.before_hold",
            amount="10.00",
            reference="second",
            recipientId=seller,
        ),
        of(buyer, "deduct-reserved", "balance.after_hold", amount="5.00", reference="second"),
        of(buyer, "debit", "balance.before_debit", amount="1.00", **said),
        of(buyer, "debit", "balance.after_debit", amount="2.00", **said),
        of(seller, "credit", "balance.before_credit", amount="3.00", **said),
        of(seller, "credit", "balance.after_credit", amount="4.00", **said),
        hint("webhook.after_receive"),
        hint("webhook.before_done"),
        hint("webhook.after_done"),
    )


def wait_until(holds: Any) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def die_of(case: Case, step: Step, orchestrator: Orchestrator) -> None:
    """Ask, and see the process die of it, before or after the answer."""
    with suppress(httpx.TransportError):
        step.sent(orchestrator)
    wait_until(lambda: not orchestrator.alive())


@pytest.mark.kill
@pytest.mark.timeout(300)
def test_holds_corrections_and_webhooks_have_one_effect_over_deaths(grounds: Grounds) -> None:
    with open_case(grounds) as case:
        with case.life(env=_ENV) as orchestrator:
            case.purchase.play(before="order")
            with orchestrator.client() as client:
                treasury = client.get("/admin/treasury").raise_for_status().json()["data"]
                grounds.sandbox.faucet(treasury["wallet"]["publicKey"], "50.00")
                wait_until(
                    lambda: (
                        client.get("/admin/treasury").json()["data"]["wallet"]["booked"]
                        != treasury["wallet"]["booked"]
                    )
                )
        buyer, seller = (case.purchase.user(role)["id"] for role in ("buyer", "seller"))
        for step in steps(buyer, seller):
            with case.life(f"{step.point}#1", env=_ENV) as orchestrator:
                die_of(case, step, orchestrator)
            with case.life(env=_ENV) as orchestrator:
                step.sent(orchestrator)
                repeated = step.sent(orchestrator)
                if step.path.startswith("/webhooks"):
                    assert repeated["data"] == {"duplicate": True}
        with case.life(env=_ENV):
            assert case.purchase.balance("buyer")["available"] == "47.00"
            assert case.purchase.balance("buyer")["reserved"] == "35.00"
            assert case.purchase.balance("seller")["available"] == "17.00"
            books.read(case.database_url(), books.at_rest)
            check_identities(
                books.read(case.database_url(), lambda storage: storage.books()),
                treasury["userId"],
            )
