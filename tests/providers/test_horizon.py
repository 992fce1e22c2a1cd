"""What Horizon's answers mean, and what they do not prove (docs/spec/stellar-horizon.md §0, §2.5)."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import httpx
import msgspec
import pytest
import trio
from stellar_sdk import TransactionBuilder, TransactionEnvelope, scval, xdr

from offerhub.domain.intents import ApproveMilestone
from offerhub.domain.money import Money
from offerhub.providers.rate import RateBudget
from offerhub.providers.stellar.envelope import hash_of
from offerhub.providers.stellar.horizon import HorizonClient
from offerhub.providers.stellar.port import (
    Applied,
    PaymentRecord,
    Rejected,
    StellarUnavailable,
    TransferOrigin,
    Unknown,
    UnreadableRecord,
)
from tests.providers.known import ESCROW, PASSPHRASE, RULES, address, keypair, provider_envelope

Handler = Callable[[httpx.Request], httpx.Response]
OUR_ENVELOPE = provider_envelope(ApproveMilestone(ESCROW, 0, address("buyer")))
HASH = hash_of(OUR_ENVELOPE, RULES.network_id)
ISSUER = address("issuer")


@asynccontextmanager
async def horizon(handler: Handler, **settings: Any) -> AsyncIterator[HorizonClient]:
    client = HorizonClient(
        "http://horizon.test",
        usdc_code="USDC",
        usdc_issuer=ISSUER,
        passphrase=PASSPHRASE,
        budget=RateBudget(0, 1),
        random=lambda: 0.5,
        transport=httpx.MockTransport(handler),
        **settings,
    )
    try:
        yield client
    finally:
        await client.aclose()


def answers(body: object, status: int = 200) -> Handler:
    return lambda _request: httpx.Response(status, content=msgspec.json.encode(body))


def transaction(**changes: Any) -> dict[str, Any]:
    return {
        "id": HASH,
        "hash": HASH,
        "successful": True,
        "ledger": 77,
        "created_at": "2026-11-22T12:00:05Z",
        "source_account": address("buyer"),
        "source_account_sequence": "4294967297",
        "fee_charged": "100",
        "envelope_xdr": OUR_ENVELOPE,
        "result_xdr": "AAAAAAAAAGQAAAAAAAAAAQAAAAAAAAABAAAAAAAAAAA=",
        "memo_type": "none",
    } | changes


def payment(token: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": token,
        "paging_token": token,
        "type": "payment",
        "transaction_successful": True,
        "transaction_hash": HASH,
        "created_at": "2026-11-22T12:00:05Z",
        "source_account": address("outside"),
        "from": address("outside"),
        "to": address("buyer"),
        "amount": "100.0000001",
        "asset_type": "credit_alphanum4",
        "asset_code": "USDC",
        "asset_issuer": ISSUER,
        "transaction": {"memo": "hello", "memo_type": "text"},
    } | changes


def page(*records: object) -> dict[str, Any]:
    return {"_links": {}, "_embedded": {"records": list(records)}}


async def test_the_state_tells_network_ledgers_and_time():
    root = {
        "network_passphrase": "N",
        "history_latest_ledger": 9,
        "history_elder_ledger": 2,
        "history_latest_ledger_closed_at": "2026-11-22T12:00:00Z",
    }
    async with horizon(answers(root)) as client:
        state = await client.state()
    assert (state.passphrase, state.latest_ledger, state.elder_ledger) == ("N", 9, 2)
    assert state.latest_closed_at == datetime(2026, 11, 22, 12, tzinfo=UTC)


async def test_a_history_whose_end_is_before_its_beginning_is_no_answer():
    root = {
        "network_passphrase": "N",
        "history_latest_ledger": 9,
        "history_elder_ledger": 10,
        "history_latest_ledger_closed_at": "2026-11-22T12:00:00Z",
    }
    async with horizon(answers(root)) as client:
        with pytest.raises(StellarUnavailable):
            await client.state()


def account(**changes: Any) -> dict[str, Any]:
    return {
        "account_id": address("buyer"),
        "sequence": "123",
        "subentry_count": 1,
        "num_sponsoring": 0,
        "num_sponsored": 0,
        "balances": [
            {
                "balance": "12.3400000",
                "asset_type": "credit_alphanum4",
                "asset_code": "USDC",
                "asset_issuer": ISSUER,
                "is_authorized": True,
            },
            {"balance": "5.0000000", "selling_liabilities": "1.0000000", "asset_type": "native"},
        ],
    } | changes


async def test_spendable_xlm_is_what_reserves_and_offers_leave():
    async with horizon(answers(account())) as client:
        state = await client.account(address("buyer"))
    assert state is not None
    assert state.sequence == 123
    assert state.xlm == Money.parse("5.00")
    assert state.xlm_spendable == Money.parse("2.50")
    assert state.usdc == Money.parse("12.34")


async def test_sponsored_reserves_bind_nothing_and_spendable_is_never_negative():
    async with horizon(answers(account(num_sponsored=3))) as client:
        sponsored = await client.account(address("buyer"))
    async with horizon(answers(account(num_sponsoring=30))) as client:
        sponsor = await client.account(address("buyer"))
    assert sponsored is not None
    assert sponsored.xlm_spendable == Money.parse("4.00")
    assert sponsor is not None
    assert sponsor.xlm_spendable == Money.zero()


@pytest.mark.parametrize(
    "change",
    [{"asset_issuer": address("forger")}, {"asset_code": "USDX"}, {"is_authorized": False}],
)
async def test_another_or_a_frozen_trustline_is_no_trustline(change):
    body = account()
    body["balances"][0] |= change
    async with horizon(answers(body)) as client:
        state = await client.account(address("buyer"))
    assert state is not None
    assert state.usdc is None


async def test_an_unknown_account_or_transaction_is_none():
    async with horizon(answers({"status": 404}, 404)) as client:
        assert await client.account(address("nobody")) is None
        assert await client.transaction(HASH) is None
        assert await client.account_payments(address("nobody"), 10) == ()


async def test_a_submission_sends_the_envelope_as_a_form_and_tells_what_was_applied():
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=transaction())

    async with horizon(handler) as client:
        result = await client.submit("AA+/=", HASH)
    assert isinstance(result, Applied)
    assert (result.record.ledger, result.record.transaction_code) == (77, "tx_success")
    assert parse_qs(seen[0].content.decode()) == {"tx": ["AA+/="]}
    assert seen[0].headers["content-type"] == "application/x-www-form-urlencoded"


def problem(kind: str, status: int, codes: dict[str, Any] | None = None) -> Handler:
    body: dict[str, Any] = {
        "type": f"https://stellar.org/horizon-errors/{kind}",
        "title": "Trouble",
        "status": status,
    }
    if codes is not None:
        body["extras"] = {"result_codes": codes}
    return answers(body, status)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (
            {"transaction": "tx_failed", "operations": ["op_no_trust"]},
            Rejected("tx_failed", ("op_no_trust",), None),
        ),
        ({"transaction": "tx_bad_seq"}, Rejected("tx_bad_seq", (), None)),
        ({"transaction": "tx_too_late"}, Rejected("tx_too_late", (), included=False)),
        (
            {"transaction": "tx_insufficient_fee"},
            Rejected("tx_insufficient_fee", (), included=False),
        ),
    ],
)
async def test_a_refusal_says_whether_a_ledger_may_hold_it(codes, expected):
    async with horizon(problem("transaction_failed", 400, codes)) as client:
        assert await client.submit("AAAA", HASH) == expected


async def test_a_malformed_envelope_is_a_refusal():
    async with horizon(problem("transaction_malformed", 400)) as client:
        assert await client.submit("AAAA", HASH) == Rejected(
            "transaction_malformed", (), included=False
        )


@pytest.mark.parametrize(
    "handler",
    [
        problem("transaction_submission_timeout", 504),
        problem("stale_history", 503),
        problem("server_error", 500),
        problem("transaction_submission_disabled", 403),
        problem("rate_limit_exceeded", 429),
        problem("transaction_failed", 400),
        answers({"hash": HASH}),
        answers(transaction(hash="cd" * 32)),
        answers(["?"], 400),
        lambda _request: httpx.Response(200, content=b"<html>"),
        lambda _request: httpx.Response(504, content=b""),
        lambda _request: httpx.Response(302, headers={"location": "http://elsewhere.test"}),
    ],
)
async def test_any_other_answer_to_a_submission_leaves_it_unknown(autojump_clock, handler):
    async with horizon(handler) as client:
        assert isinstance(await client.submit("AAAA", HASH), Unknown)


async def test_silence_leaves_a_submission_unknown_and_it_is_not_sent_twice(autojump_clock):
    sent = 0

    async def silent(_request: httpx.Request) -> httpx.Response:
        nonlocal sent
        sent += 1
        await trio.sleep_forever()
        raise AssertionError

    async with horizon(silent) as client:  # type: ignore[arg-type]
        assert isinstance(await client.submit("AAAA", HASH), Unknown)
    assert sent == 1
    assert trio.current_time() == 45


async def test_a_read_in_trouble_is_unavailable_within_its_deadline(autojump_clock):
    async def silent(_request: httpx.Request) -> httpx.Response:
        await trio.sleep_forever()
        raise AssertionError

    async with horizon(silent) as client:  # type: ignore[arg-type]
        with pytest.raises(StellarUnavailable):
            await client.state()
    assert trio.current_time() < 100


def result_xdr(operation: xdr.OperationResult) -> str:
    return xdr.TransactionResult(
        fee_charged=xdr.Int64(100),
        result=xdr.TransactionResultResult(xdr.TransactionResultCode.txFAILED, results=[operation]),
        ext=xdr.TransactionResultExt(0),
    ).to_xdr()


def payment_result(code: xdr.PaymentResultCode) -> xdr.OperationResult:
    return xdr.OperationResult(
        xdr.OperationResultCode.opINNER,
        tr=xdr.OperationResultTr(xdr.OperationType.PAYMENT, payment_result=xdr.PaymentResult(code)),
    )


def trapped() -> xdr.OperationResult:
    return xdr.OperationResult(
        xdr.OperationResultCode.opINNER,
        tr=xdr.OperationResultTr(
            xdr.OperationType.INVOKE_HOST_FUNCTION,
            invoke_host_function_result=xdr.InvokeHostFunctionResult(
                xdr.InvokeHostFunctionResultCode.INVOKE_HOST_FUNCTION_TRAPPED
            ),
        ),
    )


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        (payment_result(xdr.PaymentResultCode.PAYMENT_NO_TRUST), "op_no_trust"),
        (payment_result(xdr.PaymentResultCode.PAYMENT_LINE_FULL), "op_line_full"),
        (payment_result(xdr.PaymentResultCode.PAYMENT_SUCCESS), "op_success"),
        (trapped(), "function_trapped"),
        (xdr.OperationResult(xdr.OperationResultCode.opNO_ACCOUNT), "op_no_source_account"),
        (xdr.OperationResult(xdr.OperationResultCode.opBAD_AUTH), "op_bad_auth"),
    ],
)
async def test_a_failed_transaction_tells_its_codes_in_horizons_words(operation, code):
    body = transaction(successful=False, result_xdr=result_xdr(operation))
    async with horizon(answers(body)) as client:
        record = await client.transaction(HASH)
    assert record is not None
    assert not record.successful
    assert (record.transaction_code, record.operation_codes) == ("tx_failed", (code,))


async def test_another_transaction_than_the_one_asked_for_is_no_answer():
    async with horizon(answers(transaction())) as client:
        with pytest.raises(StellarUnavailable, match="another transaction"):
            await client.transaction("cd" * 32)


FAILED = result_xdr(payment_result(xdr.PaymentResultCode.PAYMENT_NO_TRUST))
OTHER_ENVELOPE = provider_envelope(ApproveMilestone(ESCROW, 1, address("buyer")))


@pytest.mark.parametrize(
    "lie",
    [
        {"successful": False},
        {"result_xdr": FAILED},
        {"result_xdr": "AAAA"},
        {"result_xdr": "?"},
        {"envelope_xdr": OTHER_ENVELOPE},
        {"envelope_xdr": "AAAA"},
        {"hash": "cd" * 32},
        {"source_account_sequence": "4294967298"},
        {"source_account": address("seller")},
    ],
)
async def test_a_record_that_contradicts_itself_is_no_answer(lie):
    async with horizon(answers(transaction(**lie))) as client:
        with pytest.raises(StellarUnavailable):
            await client.transaction(HASH)
        assert isinstance(await client.submit("AAAA", HASH), Unknown)
    async with horizon(answers(page(transaction(**lie)))) as client:
        with pytest.raises(StellarUnavailable):
            await client.account_transactions(address("buyer"), 10)


@pytest.mark.parametrize("signers", [1, 2, 20])
async def test_an_envelope_is_known_by_its_hash_under_any_number_of_signatures(signers):
    envelope = TransactionEnvelope.from_xdr(OUR_ENVELOPE, PASSPHRASE)
    for number in range(signers):
        envelope.sign(keypair(f"signer {number}"))
    async with horizon(answers(transaction(envelope_xdr=envelope.to_xdr()))) as client:
        record = await client.transaction(HASH)
    assert record is not None
    assert record.successful


async def test_an_envelope_that_somebody_wrapped_into_a_fee_bump_is_known_by_its_inner_hash():
    inner = TransactionEnvelope.from_xdr(OUR_ENVELOPE, PASSPHRASE)
    inner.sign(keypair("buyer"))
    bump = TransactionBuilder.build_fee_bump_transaction(
        address("stranger"), 200_000, inner, PASSPHRASE
    )
    wrapped = transaction(
        envelope_xdr=bump.to_xdr(),
        result_xdr=xdr.TransactionResult(
            fee_charged=xdr.Int64(100),
            result=xdr.TransactionResultResult(
                xdr.TransactionResultCode.txFEE_BUMP_INNER_SUCCESS,
                inner_result_pair=xdr.InnerTransactionResultPair(
                    xdr.Hash(bytes.fromhex(HASH)),
                    xdr.InnerTransactionResult(
                        xdr.Int64(0),
                        xdr.InnerTransactionResultResult(
                            xdr.TransactionResultCode.txSUCCESS, results=[]
                        ),
                        xdr.InnerTransactionResultExt(0),
                    ),
                ),
            ),
            ext=xdr.TransactionResultExt(0),
        ).to_xdr(),
    )
    for hash_hex in (HASH, bump.hash_hex()):
        async with horizon(answers(wrapped | {"hash": hash_hex})) as client:
            assert await client.transaction(hash_hex) is not None


async def test_an_account_names_the_ledger_that_it_speaks_of():
    def handler(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=account(), headers={"Latest-Ledger": "77"})

    async with horizon(handler) as client:
        state = await client.account(address("buyer"))
    assert state is not None
    assert state.ledger == 77
    async with horizon(answers(account())) as client:
        silent = await client.account(address("buyer"))
    assert silent is not None
    assert silent.ledger is None


async def test_another_account_than_the_one_asked_for_is_no_answer():
    async with horizon(answers(account())) as client:
        with pytest.raises(StellarUnavailable, match="a different account"):
            await client.account(address("seller"))


async def test_payments_come_with_their_transfers_memo_and_cursor():
    async with horizon(answers(page(payment("4097"), payment("8193", amount="1.0")))) as client:
        result = await client.payments_after("0", 2)
    assert result.full
    assert result.cursor == "8193"
    first = result.records[0]
    assert isinstance(first, PaymentRecord)
    assert first.memo == "hello"
    (transfer,) = first.transfers
    assert (transfer.operation_id, transfer.index) == ("4097", 0)
    assert transfer.amount == Money(1_000_000_001)
    assert transfer.origin is TransferOrigin.PAYMENT
    assert (transfer.source, transfer.destination) == (address("outside"), address("buyer"))


def contract_call(token: str, changes: object) -> dict[str, Any]:
    return {
        "id": token,
        "paging_token": token,
        "type": "invoke_host_function",
        "transaction_successful": True,
        "transaction_hash": HASH,
        "created_at": "2026-11-22T12:00:05Z",
        "source_account": address("buyer"),
        "function": "HostFunctionTypeHostFunctionTypeInvokeContract",
        "parameters": [
            {"type": "Address", "value": scval.to_address(ESCROW).to_xdr()},
            {"type": "Sym", "value": scval.to_symbol("release_funds").to_xdr()},
        ],
        "asset_balance_changes": changes,
    }


def change(to: str, amount: str) -> dict[str, Any]:
    return {
        "asset_type": "credit_alphanum4",
        "asset_code": "USDC",
        "asset_issuer": ISSUER,
        "type": "transfer",
        "from": ESCROW,
        "to": to,
        "amount": amount,
    }


RELEASED = [change(address("fee"), "0.2400000"), change(address("seller"), "79.7600000")]


async def test_every_transfer_of_a_contract_call_is_one_by_itself():
    async with horizon(answers(page(contract_call("4097", RELEASED)))) as client:
        transfers = await client.transfers(HASH)
    assert [(t.operation_id, t.index, t.destination, t.amount) for t in transfers] == [
        ("4097", 0, address("fee"), Money(2_400_000)),
        ("4097", 1, address("seller"), Money.parse("79.76")),
    ]
    assert {t.contract for t in transfers} == {ESCROW}
    assert {t.origin for t in transfers} == {TransferOrigin.CONTRACT}


async def test_a_contract_call_that_moves_nothing_has_null_changes():
    async with horizon(answers(page(contract_call("4097", None)))) as client:
        result = await client.payments_after("1", 200)
    (record,) = result.records
    assert isinstance(record, PaymentRecord)
    assert record.transfers == ()
    assert not result.full


async def test_a_payment_out_of_xlm_names_the_native_asset():
    native = payment("4097", asset_type="native")
    del native["asset_code"], native["asset_issuer"]
    created = payment("8193", type="create_account", starting_balance="2.0", account="G")
    async with horizon(answers(page(native, created))) as client:
        result = await client.payments_after("0", 200)
    first, second = result.records
    assert isinstance(first, PaymentRecord)
    assert isinstance(second, PaymentRecord)
    assert (first.transfers[0].asset_code, first.transfers[0].asset_issuer) == ("XLM", None)
    assert second.transfers == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": "-1.0"},
        {"amount": "1e9"},
        {"amount": "1.12345678"},
        {"amount": None},
        {"amount": "999999999999999.0"},
        {"to": None},
        {"asset_issuer": None},
        {"created_at": "yesterday"},
        {"created_at": "2026-11-22T12:00:05"},
        {"transaction_hash": 7},
        {"type": "invoke_host_function", "asset_balance_changes": [{"type": "transfer"}]},
        {
            "type": "invoke_host_function",
            "parameters": [{"type": "Address", "value": "AAAA"}],
            "asset_balance_changes": RELEASED,
        },
    ],
)
async def test_a_record_that_cannot_be_read_is_handed_on_with_its_place(changes):
    async with horizon(answers(page(payment("4097", **changes), payment("8193")))) as client:
        result = await client.payments_after("0", 200)
    bad, good = result.records
    assert isinstance(bad, UnreadableRecord)
    assert bad.paging_token == "4097"
    assert HASH in bad.raw or "transaction_hash" in changes
    assert isinstance(good, PaymentRecord)
    assert result.cursor == "8193"


@pytest.mark.parametrize(
    "body",
    [
        page({"id": "1"}),
        page(payment("abc")),
        page(payment("8193"), payment("4097")),
        page(payment("5")),
        {"records": []},
    ],
)
async def test_a_page_that_does_not_say_where_it_stands_is_no_answer(body):
    async with horizon(answers(body)) as client:
        with pytest.raises(StellarUnavailable):
            await client.payments_after("5", 200)


async def test_an_empty_page_keeps_the_cursor():
    async with horizon(answers(page())) as client:
        result = await client.payments_after("4097", 200)
    assert (result.records, result.cursor, result.full) == ((), "4097", False)


async def test_the_watcher_asks_in_ascending_order_with_the_transactions_joined():
    seen: list[httpx.URL] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.url)
        return httpx.Response(200, json=page())

    async with horizon(handler) as client:
        await client.payments_after("4097", 200)
    assert dict(seen[0].params) == {
        "cursor": "4097",
        "order": "asc",
        "limit": "200",
        "join": "transactions",
    }


async def test_a_wallets_payments_show_the_changes_that_touch_it():
    created = payment("1", type="create_account", starting_balance="2.0", funder="G", account="H")
    body = page(contract_call("4097", RELEASED), payment("5", amount="7.5000000"), created)
    async with horizon(answers(body)) as client:
        lines = await client.account_payments(address("seller"), 10)
    assert [(line.id, line.source, line.destination, line.asset) for line in lines] == [
        ("4097-1", ESCROW, address("seller"), "USDC"),
        ("5", address("outside"), address("buyer"), "USDC"),
        ("1", "G", "H", "XLM"),
    ]


@pytest.mark.parametrize(
    ("charged", "bid"), [("100", 100), ("5000", 5000), ("99999999", 100_000), ("1", 100)]
)
async def test_the_bid_follows_the_network_up_to_a_cap(charged, bid):
    stats = {"last_ledger_base_fee": "100", "fee_charged": {"p95": charged}}
    async with horizon(answers(stats)) as client:
        assert await client.fee_per_operation() == bid


async def test_the_bid_is_read_at_most_every_ten_seconds_and_survives_trouble(autojump_clock):
    asked = 0

    def handler(_request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        if asked > 1:
            return httpx.Response(500)
        return httpx.Response(
            200, json={"last_ledger_base_fee": "100", "fee_charged": {"p95": "300"}}
        )

    async with horizon(handler) as client:
        assert await client.fee_per_operation() == 300
        assert await client.fee_per_operation() == 300
        assert asked == 1
        await trio.sleep(11)
        assert await client.fee_per_operation() == 300
        assert asked > 1


async def test_friendbot_is_asked_at_its_own_address_and_may_have_given_before():
    seen: list[httpx.URL] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.url)
        detail = "account already funded to starting balance"
        return httpx.Response(400, json={"type": "bad_request", "detail": detail})

    async with horizon(handler, friendbot_url="http://friend.test/bot") as client:
        await client.fund_from_friendbot("GABC")
    assert str(seen[0]) == "http://friend.test/bot?addr=GABC"


async def test_a_network_without_friendbot_says_so():
    async with horizon(answers({})) as client:
        with pytest.raises(StellarUnavailable, match="no friendbot"):
            await client.fund_from_friendbot("GABC")
