"""The calls that a developer copies first: curl, and the Python client's page, block by block."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.target import Target

ROOT = Path(__file__).parents[2]
CURL = r"""
set -euo pipefail
api() { curl -sS --max-time 60 -H "Content-Type: application/json" "$@"; echo; }

# A key for the marketplace's backend, and a token of it.
api -X POST "$API/auth/api-keys" -H "Authorization: Bearer $MASTER" \
  -d '{"userId": "usr_admin", "scopes": ["read", "write"], "name": "Production Key"}' | tee key.json
KEY=$($GET key key.json)
api -X POST "$API/auth/api-keys/$($GET id key.json)/token" -H "x-api-key: $KEY" -d '{"ttl": 3600}' \
  | tee token.json
TOKEN=$($GET token token.json)

# Users and an order, in the spelling of the other orchestrator.
api -X POST "$API/users" -H "Authorization: Bearer $TOKEN" \
  -d '{"external_user_id": "curl-buyer", "email": "buyer@example.com", "type": "BUYER"}' \
  | tee buyer.json
api -X POST "$API/orders" -H "Authorization: Bearer $TOKEN" -H "Idempotency-Key: curl-order-1" \
  -d "{\"buyer_id\": \"$BUYER\", \"seller_id\": \"$SELLER\", \"amount\": \"5.00\", \"title\": \"A logo\",
       \"milestones\": [{\"milestone_ref\": \"m1\", \"description\": \"All of it\", \"amount\": \"5.00\"}]}" \
  | tee order.json
ORDER=$($GET id order.json)
api -X POST "$API/orders/$ORDER/reserve" -H "Authorization: Bearer $TOKEN" | tee reserved.json
api -X POST "$API/orders/$ORDER/cancel" -H "Authorization: Bearer $TOKEN" -d '{"reason": "enough"}' | tee canceled.json
api "$API/users/$BUYER/balance" -H "Authorization: Bearer $TOKEN" | tee balance.json

# The events of it, from the first on.
curl -sSN --max-time 3 "$API/events?resourceTypes=Order&lastEventId=0" -H "Accept: text/event-stream" \
  -H "Authorization: Bearer $TOKEN" > events.txt || [ $? = 28 ]
"""


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_first_calls_by_curl_work(target: Target, tmp_path: Path) -> None:
    reader = "import json,sys;print(json.load(open(sys.argv[2]))['data'][sys.argv[1]])"
    (tmp_path / "get.py").write_text(reader)
    done = subprocess.run(
        ["bash", "-c", CURL],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "NO_PROXY": "*",
            "API": f"{target.url}/api/v1",
            "MASTER": target.key,
            "BUYER": target.buyer,
            "SELLER": target.seller,
            "GET": f"{sys.executable} {tmp_path / 'get.py'}",
        },
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr

    def shown(name: str) -> dict[str, object]:
        found: dict[str, object] = json.loads((tmp_path / f"{name}.json").read_text())["data"]
        return found

    assert ("Production Key", ["read", "write"]) == (shown("key")["name"], shown("key")["scopes"])
    assert str(shown("token")["token"]).startswith("ohk_tok_")
    assert "curl-buyer" == shown("buyer")["externalUserId"]
    assert "FUNDS_RESERVED" == shown("reserved")["status"]
    assert "CANCELED" == shown("canceled")["outcome"]
    assert "USDC" == shown("balance")["currency"]
    order_id = shown("order")["id"]
    events = [
        json.loads(line.removeprefix("data: "))
        for line in (tmp_path / "events.txt").read_text().splitlines()
        if line.startswith("data: ")
    ]
    assert ["order.created", "order.funds_reserved", "order.canceled", "order.closed"] == [
        event["eventType"] for event in events if event["aggregateId"] == order_id
    ]
    assert {"Order"} == {event["aggregateType"] for event in events}


def test_the_page_of_the_python_client_runs(target: Target, tmp_path: Path) -> None:
    text = (ROOT / "docs/python-client.md").read_text(encoding="utf-8")
    program = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    (tmp_path / "page.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "-W", "error", "page.py"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "API": target.url, "KEY": target.key},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "order.closed" in done.stdout
    assert "client-alice 0.00" in done.stdout
