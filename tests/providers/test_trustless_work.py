"""What Trustless Work's answers mean, and what they do not prove (docs/spec/trustless-work.md §2, §8, §12)."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial
from typing import Any

import httpx
import msgspec
import pytest
import trio
import trio.testing
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from offerhub.domain.money import Money
from offerhub.providers.rate import RateBudget
from offerhub.providers.trustless_work.client import TrustlessWorkClient
from offerhub.providers.trustless_work.port import (
    EscrowRefused,
    ProviderRateLimited,
    ProviderUnavailable,
    Refused,
    SendUnknown,
    Sent,
)
from offerhub.providers.trustless_work.refusals import RefusalKind, refusal_kind
from offerhub.providers.trustless_work.wire import amount_literal, percent_literal, request_of
from tests.providers.known import (
    APPROVE,
    DEPLOY,
    DISPUTE,
    ESCROW,
    FUND,
    RELEASE,
    RESOLVE,
    STATUS,
    TERMS,
    address,
    contract,
)

Handler = Callable[[httpx.Request], httpx.Response]
KEY = "id.s3cret"


@asynccontextmanager
async def provider(handler: Handler) -> AsyncIterator[TrustlessWorkClient]:
    client = TrustlessWorkClient(
        "http://trustless.test",
        api_key=KEY,
        budget=RateBudget(0, 1),
        random=lambda: 0.5,
        transport=httpx.MockTransport(handler),
    )
    try:
        yield client
    finally:
        await client.aclose()


def answers(body: object, status: int = 201) -> Handler:
    return lambda _request: httpx.Response(status, content=msgspec.json.encode(body))


def fault(message: object, status: int = 400) -> Handler:
    return answers({"statusCode": status, "message": message}, status)


BUILT = {"status": "SUCCESS", "unsignedTransaction": "AAAA"}


async def test_a_deployment_is_asked_for_with_roles_percent_and_the_issuers_trustline():
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(201, json=BUILT)

    async with provider(handler) as client:
        assert await client.build(DEPLOY) == "AAAA"
    request = seen[0]
    assert request.url.path == "/deployer/single-release"
    assert request.headers["x-api-key"] == KEY
    assert request.headers["content-type"] == "application/json"
    assert b'"amount":80,' in request.content
    assert b'"platformFee":0.5,' in request.content
    assert msgspec.json.decode(request.content) == {
        "signer": address("channel"),
        "engagementId": "ord_123",
        "title": "Order ord_123",
        "description": "An order of the marketplace",
        "roles": {
            "approver": address("buyer"),
            "serviceProvider": address("seller"),
            "platformAddress": address("platform"),
            "releaseSigner": address("buyer"),
            "disputeResolver": address("platform"),
            "receiver": address("seller"),
        },
        "amount": 80,
        "platformFee": 0.5,
        "milestones": [{"description": "Draft"}, {"description": "Delivery"}],
        "trustline": {"address": address("issuer"), "symbol": "USDC"},
    }


@pytest.mark.parametrize(
    ("intent", "path", "body"),
    [
        (
            evolve(FUND, amount=Money(1)),
            "/escrow/single-release/fund-escrow",
            {"contractId": ESCROW, "signer": address("buyer"), "amount": 1e-7},
        ),
        (
            STATUS,
            "/escrow/single-release/change-milestone-status",
            {
                "contractId": ESCROW,
                "milestoneIndex": "1",
                "newStatus": "completed",
                "newEvidence": "",
                "serviceProvider": address("seller"),
            },
        ),
        (
            APPROVE,
            "/escrow/single-release/approve-milestone",
            {"contractId": ESCROW, "milestoneIndex": "1", "approver": address("buyer")},
        ),
        (
            RELEASE,
            "/escrow/single-release/release-funds",
            {"contractId": ESCROW, "releaseSigner": address("buyer")},
        ),
        (
            DISPUTE,
            "/escrow/single-release/dispute-escrow",
            {"contractId": ESCROW, "signer": address("seller")},
        ),
        (
            RESOLVE,
            "/escrow/single-release/resolve-dispute",
            {
                "contractId": ESCROW,
                "disputeResolver": address("platform"),
                "distributions": [
                    {"address": address("seller"), "amount": 50},
                    {"address": address("buyer"), "amount": 30},
                    {"address": address("platform"), "amount": 7e-7},
                ],
            },
        ),
    ],
)
def test_each_step_has_its_path_and_body(intent, path, body):
    found_path, found_body = request_of(intent)
    assert (found_path, msgspec.json.decode(found_body)) == (path, body)


@given(st.integers(0, 2**63 - 1))
def test_an_amount_is_written_as_a_number_without_losing_a_stroop(stroops):
    literal = bytes(amount_literal(Money(stroops)))
    assert b"e" not in literal.lower()
    assert msgspec.json.decode(literal, type=Decimal) * 10_000_000 == stroops


@given(st.integers(0, 9_900))
def test_a_percentage_is_written_exactly(basis_points):
    literal = bytes(percent_literal(basis_points))
    assert msgspec.json.decode(literal, type=Decimal) * 100 == basis_points


@pytest.mark.parametrize("status", [400, 500])
async def test_a_refusal_is_told_by_its_words_whatever_the_status(status):
    message = "The signer has insufficient funds to fund the escrow."
    async with provider(fault(message, status)) as client:
        with pytest.raises(EscrowRefused) as caught:
            await client.build(FUND)
    assert caught.value.kind is RefusalKind.INSUFFICIENT_FUNDS_FOR_FUNDING
    assert caught.value.message == message
    assert caught.value.definitive


async def test_a_failed_body_with_a_success_status_is_a_refusal_too():
    body = {"status": "FAILED", "message": "Escrow already in dispute"}
    async with provider(answers(body)) as client:
        with pytest.raises(EscrowRefused) as caught:
            await client.build(RELEASE)
    assert caught.value.kind is RefusalKind.ALREADY_IN_DISPUTE


async def test_an_escrow_that_is_not_found_may_be_a_stalled_index():
    async with provider(fault("Escrow not found")) as client:
        with pytest.raises(EscrowRefused) as caught:
            await client.build(FUND)
    assert not caught.value.definitive


async def test_a_refusal_in_unknown_words_is_not_definitive():
    async with provider(fault("HostError: Error(Storage, MissingValue)")) as client:
        with pytest.raises(EscrowRefused) as caught:
            await client.build(FUND)
    assert caught.value.kind is RefusalKind.OTHER
    assert not caught.value.definitive


async def test_a_list_of_messages_is_the_validation_of_our_body():
    async with provider(fault(["property x should not exist", "amount must be"])) as client:
        with pytest.raises(EscrowRefused) as caught:
            await client.build(FUND)
    assert caught.value.kind is RefusalKind.INVALID_REQUEST
    assert caught.value.message == "property x should not exist; amount must be"


@pytest.mark.parametrize(
    "handler",
    [
        answers({"status": "SUCCESS"}),
        answers({"status": "FAILED"}),
        answers({"status": "FAILED", "unsignedTransaction": "AAAA"}),
        answers(["?"]),
        answers({"statusCode": 500, "message": "Internal server error"}, 500),
        answers({"statusCode": 401, "message": "Unauthorized"}, 401),
        lambda _request: httpx.Response(502, content=b"<html>"),
        lambda _request: httpx.Response(201, content=b"<html>"),
        lambda _request: httpx.Response(400, content=b"<html>"),
    ],
)
async def test_a_build_without_an_envelope_is_unavailable(handler):
    async with provider(handler) as client:
        with pytest.raises(ProviderUnavailable) as caught:
            await client.build(FUND)
    assert "s3cret" not in repr(caught.value)


async def test_a_limit_that_stays_is_told_with_its_delay(autojump_clock):
    def handler(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(429, headers={"retry-after": "9"}, json={"statusCode": 429})

    async with provider(handler) as client:
        with pytest.raises(ProviderRateLimited) as caught:
            await client.build(FUND)
        assert isinstance(await client.send("AAAA"), SendUnknown)
    assert caught.value.retry_after_s == 9


async def test_silence_is_unavailable_and_says_that_time_ran_out(autojump_clock):
    async def silent(_request: httpx.Request) -> httpx.Response:
        await trio.sleep_forever()
        raise AssertionError

    async with provider(silent) as client:  # type: ignore[arg-type]
        with pytest.raises(ProviderUnavailable) as caught:
            await client.build(FUND)
        assert caught.value.timed_out
        assert isinstance(await client.send("AAAA"), SendUnknown)
    assert trio.current_time() == 120


async def test_a_sent_deployment_tells_its_contract():
    body = {"status": "SUCCESS", "message": "sent", "contractId": ESCROW, "escrow": {"amount": 80}}
    async with provider(answers(body)) as client:
        assert await client.send("AAAA") == Sent(ESCROW)
    async with provider(answers({"status": "SUCCESS", "message": "sent"}, 200)) as client:
        assert await client.send("AAAA") == Sent(None)


UNKNOWN_REASON = (
    "The transaction could not be sent to the Stellar network for some unknown reason."
    " Please try again."
)


@pytest.mark.parametrize(
    "handler",
    [
        answers({"status": "FAILED", "message": UNKNOWN_REASON}),
        answers({"status": "FAILED", "message": UNKNOWN_REASON}, 500),
        fault("Cannot read properties of undefined (reading 'resultMetaXdr')", 500),
        fault("The transaction may not be complete yet", 400),
        fault("tx_bad_seq", 400),
        fault(["signedXdr must be a string"], 400),
        answers({"statusCode": 401, "message": "Unauthorized"}, 401),
        answers([], 201),
        lambda _request: httpx.Response(504, content=b""),
        lambda _request: httpx.Response(201, content=b"<html>"),
    ],
)
async def test_a_submission_without_a_plain_answer_is_unknown(handler):
    async with provider(handler) as client:
        assert isinstance(await client.send("AAAA"), SendUnknown)


async def test_the_contracts_own_words_refuse_a_submission():
    text = "The provided escrow properties do not match the stored escrow."
    async with provider(fault(text, 500)) as client:
        assert await client.send("AAAA") == Refused(text, RefusalKind.PROPERTIES_MISMATCH)


async def test_a_submission_is_sent_once_when_its_answer_is_lost():
    sent = 0

    def handler(_request: httpx.Request) -> httpx.Response:
        nonlocal sent
        sent += 1
        raise httpx.ReadError("lost")

    async with provider(handler) as client:
        assert isinstance(await client.send("AAAA"), SendUnknown)
    assert sent == 1


@pytest.mark.parametrize(
    "handler", [fault("no", 500), answers({"status": "FAILED"}), fault([], 400)]
)
async def test_refreshing_the_read_model_is_best_effort(handler):
    async with provider(handler) as client:
        await client.refresh("ab" * 32)


def escrow(**changes: Any) -> dict[str, Any]:
    return {
        "contractId": ESCROW,
        "engagementId": "ord_123",
        "title": "t",
        "description": "d",
        "type": "single-release",
        "amount": 80,
        "platformFee": 0.5,
        "balance": 80.0000001,
        "roles": {
            "approver": "A",
            "serviceProvider": "S",
            "platformAddress": "P",
            "releaseSigner": "A",
            "disputeResolver": "P",
            "receiver": "S",
        },
        "milestones": [{"description": "Draft", "status": "completed", "approved": True}],
        "flags": {"disputed": False, "released": True, "resolved": False},
        "trustline": {"address": "G", "symbol": "USDC"},
    } | changes


async def test_an_escrow_is_read_validated_on_chain():
    seen: list[httpx.URL] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.url)
        return httpx.Response(200, json=[escrow(contractId=contract("other")), escrow()])

    async with provider(handler) as client:
        record = await client.escrow(ESCROW)
    assert dict(seen[0].params) == {"contractIds[]": ESCROW, "validateOnChain": "true"}
    assert record is not None
    assert record.amount == TERMS.amount
    assert record.balance == Money(800_000_001)
    assert record.platform_fee_percent == Decimal("0.5")
    assert (record.disputed, record.released, record.resolved) == (False, True, False)
    assert record.milestones[0].approved


@pytest.mark.parametrize(
    "handler", [answers([], 200), fault("Escrow not found", 500), fault("Not found", 404)]
)
async def test_an_escrow_that_the_provider_does_not_know_is_none(autojump_clock, handler):
    async with provider(handler) as client:
        assert await client.escrow(ESCROW) is None


@pytest.mark.parametrize("literal", ["30.1", "30.10000000000000142"])
async def test_a_balance_is_read_to_the_stroop(literal):
    content = f'[{{"address":"{ESCROW}","balance":{literal}}}]'.encode()
    async with provider(lambda _request: httpx.Response(200, content=content)) as client:
        assert await client.balance(ESCROW) == Money(301_000_000)


@pytest.mark.parametrize(
    "body",
    [
        [],
        [{"address": "other", "balance": 1}],
        [{"address": ESCROW, "balance": -1}],
        [{"address": ESCROW, "balance": 1e30}],
        [{"address": ESCROW, "balance": None}],
        {},
    ],
)
async def test_a_balance_that_is_none_is_unavailable(body):
    async with provider(answers(body, 200)) as client:
        with pytest.raises(ProviderUnavailable):
            await client.balance(ESCROW)


def test_messages_are_compared_without_case_space_or_final_dot():
    assert refusal_kind("  ESCROW ALREADY IN dispute. ") is RefusalKind.ALREADY_IN_DISPUTE
    assert refusal_kind("receiver has no Trustline for USDC") is RefusalKind.TRUSTLINE_MISSING
    assert refusal_kind("something else") is None


async def test_what_a_step_waits_for_is_read_before_what_is_only_looked_at(autojump_clock: object):
    """One call in ten seconds: the resolution's read overtakes the reads that came before it."""
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        address = request.url.params["addresses[]"]
        asked.append(address)
        return httpx.Response(200, json=[{"address": address, "balance": 1}])

    client = TrustlessWorkClient(
        "http://trustless.test",
        api_key=KEY,
        budget=RateBudget(1, 10),
        random=lambda: 0.5,
        transport=httpx.MockTransport(handler),
    )
    async with trio.open_nursery() as nursery:
        await client.balance("first")
        nursery.start_soon(client.balances, ["a look"])
        nursery.start_soon(client.balance, "another look")
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(partial(client.balance, "a step's", for_step=True))
    assert ["first", "a step's"] == asked[:2]
    await client.aclose()
