"""Trustless Work's V1 API as a client sees it: the loop of build, sign and send, and its refusals."""

import json
from decimal import Decimal

import httpx
import pytest
import trio
from attrs import evolve
from stellar_sdk import Keypair, scval, xdr

from offerhub.sandbox import constants
from offerhub.sandbox.app import DEFAULT_FACE_SETTINGS
from tests.sandbox.market import (
    BUYER,
    PLATFORM,
    SELLER,
    deploy_body,
    keypair,
    mock_time,
    open_market,
)

UNIT = 10_000_000
SINGLE = "/escrow/single-release"


async def test_an_escrow_goes_from_deployment_to_release_over_http(autojump_clock):
    async with open_market() as market:
        await market.faucet(BUYER, "100")
        answer = await market.act("/deployer/single-release", deploy_body(platformFee=2.5), BUYER)
        contract_id = answer["contractId"]
        assert "pending" == answer["escrow"]["milestones"][0]["status"]
        assert (80, 2.5) == (answer["escrow"]["amount"], answer["escrow"]["platformFee"])

        assert {"status", "message"} == set(await market.fund(contract_id))
        status = {
            "contractId": contract_id,
            "milestoneIndex": "0",
            "newStatus": "completed",
            "newEvidence": "",
            "serviceProvider": SELLER.public_key,
        }
        await market.act(f"{SINGLE}/change-milestone-status", status, SELLER)
        await market.approve(contract_id)
        release = {"contractId": contract_id, "releaseSigner": BUYER.public_key}
        await market.act(f"{SINGLE}/release-funds", release, BUYER)

        assert 2_400_000 == market.usdc(constants.FEE_ADDRESS)
        assert 2 * UNIT == market.usdc(PLATFORM.public_key)
        assert 777_600_000 == market.usdc(SELLER.public_key)
        assert 0 == market.usdc(contract_id)
        assert 20 * UNIT == market.usdc(BUYER.public_key)


async def test_a_dispute_ends_in_a_resolution_that_pays_both_sides(autojump_clock):
    async with open_market() as market:
        await market.faucet(BUYER, "80")
        contract_id = await market.deploy()
        await market.fund(contract_id)
        dispute = {"contractId": contract_id, "signer": SELLER.public_key}
        await market.act(f"{SINGLE}/dispute-escrow", dispute, SELLER)
        resolve = {
            "contractId": contract_id,
            "disputeResolver": PLATFORM.public_key,
            "distributions": [
                {"address": SELLER.public_key, "amount": 20.5},
                {"address": BUYER.public_key, "amount": 59.5},
            ],
        }
        await market.act(f"{SINGLE}/resolve-dispute", resolve, PLATFORM)
        assert 204_385_000 == market.usdc(SELLER.public_key)
        assert 593_215_000 == market.usdc(BUYER.public_key)


async def test_a_built_envelope_looks_like_a_real_one(autojump_clock):
    async with open_market() as market:
        envelope = await market.build("/deployer/single-release", deploy_body())
        account = market.sandbox.engine.account(BUYER.public_key)
        parsed = xdr.TransactionEnvelope.from_xdr(envelope.to_xdr()).v1
        assert account is not None
        assert parsed is not None
        transaction = parsed.tx
        assert [] == parsed.signatures
        assert account.sequence + 1 == transaction.seq_num.sequence_number.int64
        assert xdr.MemoType.MEMO_NONE == transaction.memo.type
        assert 616_413 == transaction.fee.uint32
        bounds = transaction.cond.time_bounds
        assert bounds is not None
        now = int(mock_time().timestamp())
        assert (0, now + 300) == (
            bounds.min_time.time_point.uint64,
            bounds.max_time.time_point.uint64,
        )
        (operation,) = transaction.operations
        assert operation.source_account is None
        invoke = operation.body.invoke_host_function_op
        assert invoke is not None
        (entry,) = invoke.auth
        assert (
            xdr.SorobanCredentialsType.SOROBAN_CREDENTIALS_SOURCE_ACCOUNT == entry.credentials.type
        )
        call = invoke.host_function.invoke_contract
        assert call is not None
        assert call == entry.root_invocation.function.contract_fn
        assert b"tw_new_single_release_escrow" == call.function_name.sc_symbol
        assert constants.ESCROW_WASM_HASH == scval.from_bytes(call.args[1]).hex()


async def test_every_deployment_gets_an_address_of_its_own(autojump_clock):
    async with open_market() as market:
        assert await market.deploy() != await market.deploy()


async def test_a_broken_rule_is_told_at_build_time_in_the_contract_s_words(autojump_clock):
    async with open_market() as market:
        contract_id = await market.deploy()
        body = {"contractId": contract_id, "releaseSigner": BUYER.public_key}
        answer = await market.post(f"{SINGLE}/release-funds", body, 400)
        assert {
            "statusCode": 400,
            "message": "The escrow must be completed to release earnings",
            "timestamp": answer["timestamp"],
            "path": f"{SINGLE}/release-funds",
        } == answer


@pytest.mark.parametrize(
    ("collide", "text"),
    [(True, "Escrow already in dispute"), (False, "The trustline of the token is missing")],
)
async def test_a_missing_trustline_is_told_as_a_dispute_unless_that_is_switched_off(
    autojump_clock, collide, text
):
    settings = evolve(DEFAULT_FACE_SETTINGS, collide_token_codes=collide)
    async with open_market(settings) as market:
        poor = keypair("poor")
        market.open_account(poor, trusting=False)
        await market.faucet(BUYER, "80")
        contract_id = await market.deploy()
        await market.fund(contract_id)
        dispute = {"contractId": contract_id, "signer": SELLER.public_key}
        await market.act(f"{SINGLE}/dispute-escrow", dispute, SELLER)
        resolve = {
            "contractId": contract_id,
            "disputeResolver": PLATFORM.public_key,
            "distributions": [{"address": poor.public_key, "amount": 80}],
        }
        answer = await market.post(f"{SINGLE}/resolve-dispute", resolve, 400)
        assert text == answer["message"]


async def test_a_deployment_for_a_receiver_without_trustline_is_refused(autojump_clock):
    async with open_market() as market:
        poor = keypair("poor")
        market.open_account(poor, trusting=False)
        roles = deploy_body()["roles"] | {"receiver": poor.public_key}
        answer = await market.post("/deployer/single-release", deploy_body(roles=roles), 400)
        assert "trustline" in answer["message"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"extra": 1}, "property extra should not exist"),
        ({"amount": "80"}, "amount must be a number conforming to the specified constraints"),
        ({"amount": True}, "amount must be a number conforming to the specified constraints"),
        (
            {"amount": 0.12345678},
            "amount must be a number conforming to the specified constraints",
        ),
        ({"title": "t" * 101}, "title must be shorter than or equal to 100 characters"),
        ({"milestones": [{"description": "m", "status": "x"}]}, "milestones.0.property status"),
        ({"milestones": {}}, "milestones must be an array"),
        ({"roles": {}}, "roles.approver must be a string"),
        ({"signer": "GABC"}, "signer must be a valid Stellar address"),
        ({"platformFee": -1}, "platformFee must be a number"),
        ({"platformFee": 0.001}, "platformFee must be a number"),
    ],
)
async def test_a_body_of_another_shape_is_refused_with_a_list(autojump_clock, changes, message):
    async with open_market() as market:
        answer = await market.post("/deployer/single-release", deploy_body(**changes), 400)
        assert isinstance(answer["message"], list)
        assert any(problem.startswith(message) for problem in answer["message"]), answer


async def test_a_numeric_milestone_index_is_refused(autojump_clock):
    async with open_market() as market:
        body = {
            "contractId": await market.deploy(),
            "milestoneIndex": 0,
            "approver": BUYER.public_key,
        }
        answer = await market.post(f"{SINGLE}/approve-milestone", body, 400)
        assert ["milestoneIndex must be a string"] == answer["message"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"signedXdr": NaN}', b"\xff"])
async def test_a_body_that_is_no_object_is_a_400(autojump_clock, content):
    async with open_market() as market:
        response = await market.http.post("/helper/send-transaction", content=content)
        assert 400 == response.status_code


@pytest.mark.parametrize("headers", [{}, {"x-api-key": "wrong"}])
async def test_without_the_key_nothing_is_answered_but_401(autojump_clock, headers):
    async with open_market() as market:
        market.http.headers.pop("x-api-key")
        response = await market.http.get(
            "/helper/get-multiple-escrow-balance", params={"addresses[]": "C"}, headers=headers
        )
        assert 401 == response.status_code
        assert "Unauthorized" == response.json()["message"]


async def test_amounts_are_exact_in_both_directions(autojump_clock):
    async with open_market() as market:
        await market.faucet(BUYER, "90000000000.0000001")
        content = json.dumps(deploy_body()).replace('"amount": 80', '"amount": 90000000000.0000001')
        response = await market.http.post("/deployer/single-release", content=content)
        envelope = xdr.TransactionEnvelope.from_xdr(response.json()["unsignedTransaction"])
        assert envelope.v1 is not None
        function = envelope.v1.tx.operations[0].body.invoke_host_function_op
        assert function is not None
        call = function.host_function.invoke_contract
        assert call is not None
        escrow = scval.from_struct(scval.from_vec(call.args[4])[0])
        assert 900_000_000_000_000_001 == scval.from_int128(escrow["amount"])


async def test_the_escrow_is_read_with_its_amounts_as_json_numbers(autojump_clock):
    async with open_market() as market:
        await market.faucet(BUYER, "80.0000001")
        contract_id = await market.deploy()
        await market.fund(contract_id, 80.0000001)
        response = await market.http.get(
            "/helper/get-multiple-escrow-balance", params={"addresses[]": contract_id}
        )
        exact = json.loads(response.text, parse_float=Decimal)
        assert [{"address": contract_id, "balance": Decimal("80.0000001")}] == exact
        response = await market.http.get(
            "/helper/get-escrow-by-contract-ids",
            params={"contractIds[]": contract_id, "validateOnChain": "true"},
        )
        (escrow,) = json.loads(response.text, parse_float=Decimal)
        assert (80, Decimal("80.0000001")) == (escrow["amount"], escrow["balance"])
        assert deploy_body()["roles"] == escrow["roles"]
        response = await market.http.get(
            "/helper/get-escrows-by-signer",
            params={"signer": BUYER.public_key, "engagementId": "ord_1"},
        )
        assert [contract_id] == [entry["contractId"] for entry in response.json()]


async def test_an_unknown_contract_is_absent_from_reads_and_not_found_in_builds(autojump_clock):
    async with open_market() as market:
        response = await market.http.get(
            "/helper/get-escrow-by-contract-ids",
            params={"contractIds[]": constants.CONTRACT_BASE_ID},
        )
        assert [] == response.json()
        for name, signer in (("fund-escrow", "signer"), ("dispute-escrow", "signer")):
            body = {"contractId": constants.CONTRACT_BASE_ID, signer: BUYER.public_key}
            if name == "fund-escrow":
                body["amount"] = 1  # type: ignore[assignment]
            answer = await market.post(f"{SINGLE}/{name}", body, 400)
            assert "Escrow not found" == answer["message"]


async def test_the_same_envelope_sent_twice_executes_once_and_answers_the_same(autojump_clock):
    async with open_market() as market:
        envelope = await market.build("/deployer/single-release", deploy_body())
        envelope.sign(BUYER)
        assert await market.send(envelope) == await market.send(envelope)
        assert 1 == len(market.sandbox.engine.contract_ids())


async def test_of_two_builds_on_one_sequence_number_the_second_is_refused(autojump_clock):
    async with open_market() as market:
        first = await market.build("/deployer/single-release", deploy_body())
        second = await market.build("/deployer/single-release", deploy_body())
        for envelope in (first, second):
            envelope.sign(BUYER)
        await market.send(first)
        assert "tx_bad_seq" in (await market.send(second, 400))["message"]


async def test_an_unsigned_or_foreign_signed_envelope_is_refused(autojump_clock):
    async with open_market() as market:
        envelope = await market.build("/deployer/single-release", deploy_body())
        assert "tx_bad_auth" in (await market.send(envelope, 400))["message"]
        envelope.sign(Keypair.random())
        assert "tx_bad_auth" in (await market.send(envelope, 400))["message"]
        answer = await market.post("/helper/send-transaction", {"signedXdr": "AAAA"}, 400)
        assert "not a transaction envelope" in answer["message"]


async def test_an_envelope_that_became_wrong_since_its_build_changes_nothing(autojump_clock):
    """docs/spec/trustless-work.md §5.2: the record inside a funding must still be the stored one when it is applied."""
    async with open_market() as market:
        await market.faucet(BUYER, "80")
        contract_id = await market.deploy()
        body = {"contractId": contract_id, "signer": BUYER.public_key, "amount": 80}
        funding = await market.build(f"{SINGLE}/fund-escrow", body)
        funding.sign(BUYER)
        status = {
            "contractId": contract_id,
            "milestoneIndex": "0",
            "newStatus": "completed",
            "serviceProvider": SELLER.public_key,
        }
        await market.act(f"{SINGLE}/change-milestone-status", status, SELLER)
        answer = await market.send(funding, 400)
        assert "properties do not match" in answer["message"]
        assert 0 == market.usdc(contract_id)


async def test_a_transaction_past_the_api_is_read_in_by_its_hash(autojump_clock):
    async with open_market() as market:
        envelope = await market.build("/deployer/single-release", deploy_body())
        envelope.sign(BUYER)
        market.sandbox.engine.submit(envelope.to_xdr(), mock_time())
        await trio.sleep(2)
        (contract_id,) = market.sandbox.engine.contract_ids()
        params = {"contractIds[]": contract_id}
        path = "/helper/get-escrow-by-contract-ids"
        assert [] == (await market.http.get(path, params=params)).json()
        answer = await market.post("/indexer/update-from-txHash", {"txHash": envelope.hash_hex()})
        assert "SUCCESS" == answer["status"]
        (escrow,) = (await market.http.get(path, params=params)).json()
        assert BUYER.public_key == escrow["signer"]


async def test_over_the_limit_the_answer_is_429_until_a_minute_has_passed(autojump_clock):
    settings = evolve(DEFAULT_FACE_SETTINGS, rate_per_minute=2)
    async with open_market(settings) as market:

        async def ask() -> httpx.Response:
            params = {"addresses[]": constants.CONTRACT_BASE_ID}
            return await market.http.get("/helper/get-multiple-escrow-balance", params=params)

        assert [200, 200, 429] == [(await ask()).status_code for _ in range(3)]
        await trio.sleep(60)
        assert 200 == (await ask()).status_code


async def test_an_envelope_that_no_ledger_takes_in_time_is_a_504_and_may_still_be_applied(
    autojump_clock,
):
    async with open_market() as market:
        envelope = await market.build("/deployer/single-release", deploy_body())
        envelope.sign(BUYER)
        market.sandbox.ledgers.pause()
        await market.send(envelope, 504)
        market.sandbox.ledgers.resume()
        await trio.sleep(2)
        assert 1 == len(market.sandbox.engine.contract_ids())


NASTY = [
    b'{"amount": 1e99999999999999999999}',
    b'{"amount": -1e400, "contractId": "x"}',
    b'{"amount": 12345678901234567890123}',
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'{"signedXdr": "\\ud800"}',
    '{"signedXdr": "\u00e9"}'.encode(),
    b'{"address": "G", "amount": 1e500}',
    b'{"kind": "slow", "delay_s": 1e400}',
]


@pytest.mark.parametrize(
    "path",
    [
        "/deployer/single-release",
        f"{SINGLE}/fund-escrow",
        f"{SINGLE}/resolve-dispute",
        "/helper/send-transaction",
        "/indexer/update-from-txHash",
        "/faucet",
        "/faults",
    ],
)
async def test_no_body_makes_a_face_fail(autojump_clock, path):
    async with open_market() as market:
        for content in NASTY:
            response = await market.http.post(path, content=content)
            assert 400 == response.status_code, content[:40]


async def test_what_the_api_knows_is_in_the_sandbox_s_file(tmp_path, autojump_clock):
    path = tmp_path / "chain.sqlite"
    async with open_market(path=path) as market:
        contract_id = await market.deploy()
    async with open_market(path=path) as market:
        response = await market.http.get(
            "/helper/get-escrow-by-contract-ids",
            params={"contractIds[]": contract_id, "validateOnChain": "true"},
        )
        assert [contract_id] == [entry["contractId"] for entry in response.json()]
