"""An operator disputes a release that does not come about, by the command line beside the process."""

from urllib.parse import urlsplit

import httpx
import pytest

from offerhub.cli import exits
from offerhub.domain import ledger
from storage.port import Storage
from tests.cli.calling import Instance
from tests.end_to_end import books
from tests.end_to_end.case import Grounds, open_case

COMPLETE = {
    "kind": "error_before",
    "route": "POST /escrow/single-release/change-milestone-status",
    "rate": 1.0,
}


@pytest.mark.timeout(240)
def test_a_release_that_the_provider_never_builds_ends_in_a_refund(grounds: Grounds) -> None:
    faults = f"{grounds.sandbox.url}/faults"
    settings = {
        "DATABASE_URL": grounds.database_url or "",
        "REDIS_URL": grounds.redis_url or "",
        "STELLAR_HORIZON_URL": grounds.sandbox.url,
        "SANDBOX_PORT": str(urlsplit(grounds.sandbox.url).port),
    }
    with open_case(grounds) as case, case.life() as orchestrator, orchestrator.client() as client:
        case.purchase.play(before="release")
        order_id = case.purchase.answers["order"].data["id"]
        httpx.post(faults, json=COMPLETE, timeout=10, trust_env=False).raise_for_status()
        try:
            path = f"/orders/{order_id}/resolution/release"
            asked = client.post(path, json={}, headers={"Prefer": "respond-async"})
            assert 202 == asked.status_code
            operator = Instance(case.home, settings)
            done = operator.call("orders", "dispute", order_id, "--opened-by", "seller", "--json")
            assert exits.DONE == done.status, done.err
            assert (order_id, "DISPUTED") == (done.json["orderId"], done.json["status"])
        finally:
            httpx.delete(faults, timeout=10, trust_env=False).raise_for_status()
        books.read(case.database_url(), books.at_rest)
        dispute = f"/disputes/{done.json['disputeId']}"
        assert "SELLER" == client.get(dispute).json()["data"]["openedBy"]
        decided = client.post(f"{dispute}/resolve", json={"decision": "FULL_REFUND"})
        assert (200, "RESOLVED") == (decided.status_code, decided.json()["data"]["status"])
        order = case.purchase.order()
        assert ("CLOSED", "REFUNDED") == (order["status"], order["outcome"])
        assert "100.00" == case.purchase.balance("buyer")["available"]

        async def identities(storage: Storage) -> None:
            platform = await storage.user_by_external_id("offerhub:platform")
            assert platform is not None
            ledger.check_identities(await storage.books(), platform.id)

        books.read(case.database_url(), identities)
