"""The platform's own money in the real process: seen, earned, settled on a schedule and taken out."""

import time
from typing import Any, Final

import pytest

from offerhub.domain.ledger import check_identities
from offerhub.domain.money import Money
from tests.end_to_end import books
from tests.end_to_end.case import Case, Grounds, open_case
from tests.end_to_end.process import Orchestrator

_FEE: Final = {"PLATFORM_FEE_PERCENT": "5", "SETTLEMENT_SECONDS": "1"}
_WAIT_S: Final = 60


def treasury(orchestrator: Orchestrator) -> Any:
    with orchestrator.client() as client:
        return client.get("/admin/treasury").raise_for_status().json()["data"]


def settled(orchestrator: Orchestrator) -> Any:
    """The treasury once the schedule has paid what was due."""
    deadline = time.monotonic() + _WAIT_S
    while True:
        shown = treasury(orchestrator)
        dues = shown["dues"]
        if {dues["owed"], dues["paying"]} == {"0.0000000"}:
            return shown
        assert time.monotonic() < deadline, shown
        time.sleep(0.2)


def wallet_of(case: Case, role: str) -> Money:
    return case.grounds.chain.usdc(case.purchase.user(role)["wallet"]["publicKey"])


@pytest.mark.timeout(180)
def test_the_platforms_money_is_earned_settled_and_taken_out(grounds: Grounds) -> None:
    with open_case(grounds) as case, case.life(env=_FEE) as orchestrator:
        case.purchase.play(before="withdrawal")
        # 80.00 less the platform's 5 %; the contract kept 4.24 and the treasury pays 0.24 of it.
        assert case.purchase.balance("seller")["available"] == "76.00"
        shown = settled(orchestrator)
        assert shown["fees"] == {
            "kept": "4.0000000",
            "borne": "0.2400000",
            "earned": "3.7600000",
        }
        assert wallet_of(case, "seller") == Money.parse("76.00")
        platform = case.grounds.chain.usdc(shown["wallet"]["publicKey"])
        assert platform.seven_places() == shown["wallet"]["booked"] == shown["treasury"]
        outside = case.purchase.outsider.address
        with orchestrator.client() as client:
            answer = client.post(
                "/withdrawals",
                json={
                    "userId": shown["userId"],
                    "amount": "3.76",
                    "destinationType": "crypto",
                    "destinationRef": outside,
                },
            )
            assert answer.status_code == 201, answer.text
            assert answer.json()["data"]["status"] == "WITHDRAWAL_COMPLETED"
            ledger = client.get(f"/users/{shown['userId']}/ledger").json()["data"]
        assert [each["kind"] for each in ledger[:2]] == [
            "withdrawal_completed",
            "withdrawal_created",
        ]
        assert case.grounds.chain.usdc(outside) == Money.parse("3.76")
        after = treasury(orchestrator)
        left = platform - Money.parse("3.76")
        assert left.seven_places() == after["treasury"] == after["wallet"]["withdrawable"]
        check_identities(
            books.read(case.database_url(), lambda storage: storage.books()), shown["userId"]
        )
