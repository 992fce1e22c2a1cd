"""What Horizon's face tells: resources, pages, errors, what it has not ingested and no longer keeps."""

import pytest
from stellar_sdk import (
    AccountMerge,
    Asset,
    BeginSponsoringFutureReserves,
    ChangeTrust,
    CreateAccount,
    EndSponsoringFutureReserves,
    Keypair,
    MuxedAccount,
    PathPaymentStrictReceive,
    PathPaymentStrictSend,
    Payment,
    TransactionEnvelope,
    scval,
    xdr,
)
from stellar_sdk.sep.toid import TOID

from offerhub.sandbox.engine import Submitted
from tests.sandbox.chain import FRIENDBOT, ISSUER, PASSPHRASE, USDC, Chain, keypair
from tests.sandbox.horizon_client import BASE, HorizonClient
from tests.sandbox.test_engine_contracts import BOX, Box, arguments, call

ALICE, BOB = keypair("alice"), keypair("bob")


@pytest.fixture
def horizon() -> HorizonClient:
    """Alice and Bob, each with a trustline, and no payment between them."""
    client = HorizonClient()
    create = [CreateAccount(each.public_key, "100") for each in (ALICE, BOB)]
    trust = [ChangeTrust(USDC, "1000", source=each.public_key) for each in (ALICE, BOB)]
    row = client.chain.apply(FRIENDBOT, [*create, *trust], (FRIENDBOT, ALICE, BOB))
    assert row.successful
    return client


def pay(horizon: HorizonClient, count: int = 1, to: Keypair = BOB) -> None:
    for _ in range(count):
        row = horizon.chain.apply(ALICE, [Payment(to.public_key, Asset.native(), "1")])
        assert row.successful == (to is BOB)


# ------------------------------------------------------------------------- resources


async def test_the_root_names_the_network_and_what_is_kept(horizon: HorizonClient) -> None:
    root = await horizon.get("/")

    latest = horizon.chain.engine.latest_ledger()
    assert root.status == 200
    assert root.body["network_passphrase"] == PASSPHRASE
    assert root.body["history_latest_ledger"] == latest.sequence
    assert root.body["history_elder_ledger"] == 1
    assert root.body["history_latest_ledger_closed_at"] == "2026-01-01T00:00:01Z"
    assert root.headers["content-type"] == "application/hal+json; charset=utf-8"


async def test_an_account_shows_its_balances_native_last(horizon: HorizonClient) -> None:
    account = await horizon.get(f"/accounts/{ALICE.public_key}")

    assert account.body["balances"][0]["asset_code"] == "USDC"
    assert account.body["balances"][0]["limit"] == "1000.0000000"
    assert account.body["balances"][-1] == {
        "balance": "100.0000000",
        "buying_liabilities": "0.0000000",
        "selling_liabilities": "0.0000000",
        "asset_type": "native",
    }
    assert account.body["sequence"] == str(2 << 32)
    assert account.body["data"] == {}
    assert "data" in account.body["_links"]
    assert "sponsor" not in account.body
    assert account.headers["latest-ledger"] == "2"


async def test_a_sponsored_account_names_its_sponsor(horizon: HorizonClient) -> None:
    user = keypair("user")
    operations = [
        BeginSponsoringFutureReserves(user.public_key),
        CreateAccount(user.public_key, "0"),
        ChangeTrust(USDC, source=user.public_key),
        EndSponsoringFutureReserves(source=user.public_key),
    ]
    assert horizon.chain.apply(ALICE, operations, (ALICE, user)).successful

    account = (await horizon.get(f"/accounts/{user.public_key}")).body
    records = (await horizon.get(f"/accounts/{user.public_key}/operations")).records

    assert account["sponsor"] == ALICE.public_key
    assert account["balances"][0]["sponsor"] == ALICE.public_key
    assert account["num_sponsored"] == 3
    assert [record["type"] for record in records] == [
        "begin_sponsoring_future_reserves",
        "create_account",
        "change_trust",
        "end_sponsoring_future_reserves",
    ]
    assert records[1]["sponsor"] == records[3]["begin_sponsor"] == ALICE.public_key


async def test_a_transaction_is_found_by_its_hash(horizon: HorizonClient) -> None:
    builder = horizon.chain.builder(ALICE).append_payment_op(BOB.public_key, Asset.native(), "1")
    envelope = builder.add_text_memo("grüezi").add_time_bounds(0, 4_000_000_000).build()
    envelope.sign(ALICE)
    submitted = horizon.chain.submit(envelope.to_xdr())
    assert isinstance(submitted, Submitted)
    horizon.close_ledger()

    body = (await horizon.get(f"/transactions/{submitted.hash}")).body

    assert body["successful"]
    assert body["id"] == body["hash"] == envelope.hash_hex()
    assert (body["memo_type"], body["memo"]) == ("text", "grüezi")
    assert body["memo_bytes"] == "Z3LDvGV6aQ=="
    assert body["preconditions"] == {"timebounds": {"min_time": "0", "max_time": "4000000000"}}
    assert body["envelope_xdr"] == envelope.to_xdr()
    assert TransactionEnvelope.from_xdr(body["envelope_xdr"], PASSPHRASE) == envelope
    assert xdr.TransactionResult.from_xdr(body["result_xdr"]).fee_charged.int64 == 100


async def test_a_failed_transaction_is_found_by_hash_but_not_listed(horizon: HorizonClient) -> None:
    pay(horizon, to=keypair("nobody"))
    failed = (await horizon.get("/transactions?include_failed=true&order=desc&limit=1")).records[0]

    assert not failed["successful"]
    assert (await horizon.get(f"/transactions/{failed['hash']}")).status == 200
    assert len((await horizon.get("/transactions")).records) == 1
    assert (await horizon.get("/payments?include_failed=true&order=desc")).records[0][
        "transaction_hash"
    ] == failed["hash"]
    # This list always includes what failed (docs/spec/stellar-horizon.md §2.4).
    own = await horizon.get(f"/transactions/{failed['hash']}/operations")
    assert [record["transaction_successful"] for record in own.records] == [False]


async def test_payments_are_only_what_moves_value(horizon: HorizonClient) -> None:
    pay(horizon)

    payments = (await horizon.get("/payments")).records
    operations = (await horizon.get("/operations")).records

    assert [record["type"] for record in payments] == ["create_account"] * 2 + ["payment"]
    assert [record["type"] for record in operations] == (
        ["create_account"] * 2 + ["change_trust"] * 2 + ["payment"]
    )
    assert payments[-1]["id"] == payments[-1]["paging_token"]
    assert payments[-1]["amount"] == "1.0000000"
    assert (payments[-1]["from"], payments[-1]["to"]) == (ALICE.public_key, BOB.public_key)


async def test_a_muxed_destination_shows_its_id_and_the_plain_address(
    horizon: HorizonClient,
) -> None:
    muxed = MuxedAccount(BOB.public_key, 2**63 + 5)
    payment = Payment(muxed, Asset.native(), "1")
    assert horizon.chain.apply(ALICE, [payment]).successful

    record = (await horizon.get("/payments?order=desc&limit=1")).records[0]

    assert record["to"] == BOB.public_key
    assert record["to_muxed"] == muxed.account_muxed
    assert record["to_muxed_id"] == str(2**63 + 5)


async def test_a_join_brings_the_whole_transaction(horizon: HorizonClient) -> None:
    record = (await horizon.get("/payments?join=transactions&limit=1")).records[0]

    assert record["transaction"]["hash"] == record["transaction_hash"]
    assert record["transaction"]["memo_type"] == "none"


async def test_a_ledger_and_what_is_in_it(horizon: HorizonClient) -> None:
    pay(horizon, 2)

    ledger = (await horizon.get("/ledgers/3")).body
    latest = (await horizon.get("/ledgers?order=desc&limit=1")).records[0]

    assert ledger["prev_hash"] == (await horizon.get("/ledgers/2")).body["hash"]
    assert ledger["successful_transaction_count"] == 1
    assert ledger["closed_at"] == "2026-01-01T00:00:02Z"
    assert latest["sequence"] == 4
    assert latest["base_fee_in_stroops"] == 100
    for kind in ("payments", "operations", "transactions"):
        assert len((await horizon.get(f"/ledgers/3/{kind}")).records) == 1


async def test_fee_stats_are_strings(horizon: HorizonClient) -> None:
    body = (await horizon.get("/fee_stats")).body

    assert body["last_ledger_base_fee"] == "100"
    assert body["fee_charged"]["mode"] == body["max_fee"]["p99"] == "100"
    assert body["ledger_capacity_usage"] == "0.00"


async def test_a_contract_call_that_moves_usdc_is_a_payment_with_balance_changes() -> None:
    chain = Chain(Box())
    operations = [
        CreateAccount(ALICE.public_key, "100"),
        ChangeTrust(USDC, source=ALICE.public_key),
        Payment(ALICE.public_key, USDC, "5", source=ISSUER.public_key),
    ]
    assert chain.apply(FRIENDBOT, operations, (FRIENDBOT, ALICE, ISSUER)).successful
    moved = call(chain, ALICE, "put", arguments(ALICE, 20_000_000))
    assert not call(chain, ALICE, "break", arguments(ALICE, 20_000_000)).successful
    horizon = HorizonClient(chain)

    listed = (await horizon.get("/payments?order=desc&include_failed=true")).records[0]
    trapped = (await horizon.get("/operations?order=desc&include_failed=true")).records[0]

    assert listed["transaction_hash"] == moved.hash
    assert (listed["type"], listed["type_i"]) == ("invoke_host_function", 24)
    assert listed["function"] == "HostFunctionTypeHostFunctionTypeInvokeContract"
    assert listed["asset_balance_changes"] == [
        {
            "asset_type": "credit_alphanum4",
            "asset_code": "USDC",
            "asset_issuer": ISSUER.public_key,
            "type": "transfer",
            "from": ALICE.public_key,
            "to": BOX,
            "amount": "2.0000000",
        }
    ]
    assert [item["type"] for item in listed["parameters"]] == ["Address", "Sym", "Address", "I128"]
    assert scval.from_symbol(listed["parameters"][1]["value"]) == "put"
    assert trapped["transaction_successful"] is False
    assert trapped["asset_balance_changes"] is None


async def test_path_payments_and_merges_have_their_own_fields(horizon: HorizonClient) -> None:
    native = Asset.native()
    send = PathPaymentStrictSend(BOB.public_key, native, "2", native, "1", [])
    receive = PathPaymentStrictReceive(BOB.public_key, native, "4", native, "3", [])
    new = keypair("new")
    merge = AccountMerge(BOB.public_key, source=new.public_key)
    create = CreateAccount(new.public_key, "7")
    assert horizon.chain.apply(ALICE, [send, receive, create]).successful
    horizon.close_ledger()
    assert horizon.chain.apply(ALICE, [merge], (ALICE, new)).successful

    records = (await horizon.get("/payments?cursor=now&order=desc&limit=4")).records
    merged, created, received, sent = records

    assert (sent["amount"], sent["source_amount"], sent["destination_min"]) == (
        "2.0000000",
        "2.0000000",
        "1.0000000",
    )
    assert (received["amount"], received["source_amount"], received["source_max"]) == (
        "3.0000000",
        "3.0000000",
        "4.0000000",
    )
    assert (created["funder"], created["starting_balance"]) == (ALICE.public_key, "7.0000000")
    assert (merged["account"], merged["into"]) == (new.public_key, BOB.public_key)
    assert merged["source_account"] == new.public_key


# ------------------------------------------------------------------------- pages


async def test_pages_follow_each_other_in_both_directions(horizon: HorizonClient) -> None:
    pay(horizon, 5)
    everything = [record["id"] for record in (await horizon.get("/payments?limit=200")).records]
    assert len(everything) == 7

    for order in ("asc", "desc"):
        expected = everything if order == "asc" else everything[::-1]
        seen: list[str] = []
        url = f"/payments?order={order}&limit=3"
        while (page := await horizon.get(url)).records:
            seen += [record["id"] for record in page.records]
            url = page.link("next")
        assert expected == seen
        # An empty page's next is itself: a poller goes on with it.
        assert page.link("next") == page.link("self")
        pay(horizon)
        later = (await horizon.get(page.link("next"))).records
        assert len(later) == (1 if order == "asc" else 0)
        everything += [record["id"] for record in later]  # the other way round sees it first


async def test_the_links_of_a_page_are_absolute_and_keep_its_parameters(
    horizon: HorizonClient,
) -> None:
    page = await horizon.get("/payments?join=transactions&limit=1")

    token = page.records[0]["paging_token"]
    assert page.link("self") == f"{BASE}/payments?cursor=&join=transactions&limit=1&order=asc"
    assert page.link("next") == (
        f"{BASE}/payments?cursor={token}&join=transactions&limit=1&order=asc"
    )
    assert page.link("prev") == (
        f"{BASE}/payments?cursor={token}&join=transactions&limit=1&order=desc"
    )


async def test_an_account_lists_what_it_took_part_in(horizon: HorizonClient) -> None:
    pay(horizon, 2)

    bob = f"/accounts/{BOB.public_key}"
    assert len((await horizon.get(f"{bob}/payments")).records) == 3
    assert len((await horizon.get(f"{bob}/operations")).records) == 4
    assert len((await horizon.get(f"{bob}/transactions")).records) == 3


async def test_now_means_after_what_is_there(horizon: HorizonClient) -> None:
    page = await horizon.get("/payments?cursor=now")
    assert page.records == []

    pay(horizon)
    assert len((await horizon.get(f"/payments?cursor={TOID.after_ledger(2).to_int64()}")).records)


async def test_the_last_event_id_wins_over_the_cursor(horizon: HorizonClient) -> None:
    pay(horizon)
    first = (await horizon.get("/payments?limit=1")).records[0]["id"]

    page = await horizon.get("/payments?cursor=0", {"last-event-id": first})

    assert len(page.records) == 2


# ------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("url", "field"),
    [
        ("/payments?cursor=-1", "cursor"),
        ("/payments?cursor=x", "cursor"),
        ("/payments?cursor=99999999999999999999", "cursor"),
        ("/payments?limit=0", "limit"),
        ("/payments?limit=201", "limit"),
        ("/payments?limit=ten", "limit"),
        ("/payments?order=up", "order"),
        ("/payments?join=effects", "join"),
        ("/payments?include_failed=perhaps", "include_failed"),
        ("/accounts/GABC", "account_id"),
        ("/accounts/GABC/payments", "account_id"),
        (f"/accounts/{MuxedAccount(ALICE.public_key, 1).account_muxed}", "account_id"),
        ("/transactions/abc", "tx_id"),
        ("/ledgers/one", "ledger_id"),
        ("/operations/one", "id"),
        ("/friendbot?addr=me", "addr"),
    ],
)
async def test_a_bad_parameter_is_named(horizon: HorizonClient, url: str, field: str) -> None:
    answer = await horizon.get(url)

    assert answer.status == 400
    assert answer.body["type"] == "https://stellar.org/horizon-errors/bad_request"
    assert answer.body["extras"]["invalid_field"] == field
    assert answer.headers["content-type"] == "application/problem+json; charset=utf-8"


@pytest.mark.parametrize(
    "url",
    [
        f"/accounts/{keypair('nobody').public_key}",
        f"/accounts/{keypair('nobody').public_key}/payments",
        f"/transactions/{'0' * 64}",
        "/ledgers/1000000",
        f"/operations/{5 << 32}",
        "/nothing",
        "/accounts/a/b/c",
    ],
)
async def test_what_does_not_exist_is_missing(horizon: HorizonClient, url: str) -> None:
    answer = await horizon.get(url)

    assert answer.status == 404
    assert answer.body["title"] == "Resource Missing"
    assert "extras" not in answer.body


async def test_what_nobody_can_give_is_not_acceptable(horizon: HorizonClient) -> None:
    assert (await horizon.get("/", {"accept": "image/png"})).status == 406
    assert (await horizon.get("/", {"accept": "text/html, */*;q=0.1"})).status == 200


async def test_a_path_may_end_in_a_slash(horizon: HorizonClient) -> None:
    assert (await horizon.get(f"/accounts/{ALICE.public_key}/")).status == 200


# ------------------------------------------------------------------------- lag and retention


async def test_a_lagging_history_shows_the_network_as_it_was(horizon: HorizonClient) -> None:
    pay(horizon)
    digest = (await horizon.get("/transactions?order=desc")).records[0]["hash"]
    horizon.knobs.ingestion_lag_ledgers = 1

    root = (await horizon.get("/")).body
    account = (await horizon.get(f"/accounts/{BOB.public_key}")).body

    assert (root["history_latest_ledger"], root["core_latest_ledger"]) == (2, 3)
    assert (await horizon.get(f"/transactions/{digest}")).status == 404
    assert len((await horizon.get("/payments")).records) == 2
    assert account["balances"][-1]["balance"] == "100.0000000"
    horizon.close_ledger()
    assert (await horizon.get(f"/transactions/{digest}")).status == 200


async def test_an_old_ascending_cursor_is_moved_forward_without_a_word(
    horizon: HorizonClient,
) -> None:
    pay(horizon, 5)
    horizon.knobs.retention_ledgers = 2

    assert (await horizon.get("/")).body["history_elder_ledger"] == 6
    assert len((await horizon.get("/payments?cursor=0")).records) == 2
    assert len((await horizon.get("/payments")).records) == 2
    assert len((await horizon.get("/payments?order=desc")).records) == 2


@pytest.mark.parametrize(
    "url",
    [f"/payments?order=desc&cursor={3 << 32}", "/ledgers/3", f"/operations/{(3 << 32) + 4097}"],
)
async def test_what_is_older_than_history_is_gone(horizon: HorizonClient, url: str) -> None:
    pay(horizon, 5)
    assert (await horizon.get(url)).status == 200
    horizon.knobs.retention_ledgers = 2

    answer = await horizon.get(url)

    assert answer.status == 410
    assert answer.body["type"].endswith("before_history")


async def test_an_account_unseen_since_the_elder_ledger_has_no_history(
    horizon: HorizonClient,
) -> None:
    for _ in range(3):
        horizon.close_ledger()
    horizon.knobs.retention_ledgers = 2

    assert (await horizon.get(f"/accounts/{BOB.public_key}")).status == 200
    assert (await horizon.get(f"/accounts/{BOB.public_key}/payments")).status == 404


async def test_the_issuers_payment_is_from_the_issuer(horizon: HorizonClient) -> None:
    assert horizon.chain.apply(ISSUER, [Payment(BOB.public_key, USDC, "2")]).successful

    record = (await horizon.get("/payments?order=desc&limit=1")).records[0]

    assert (record["from"], record["asset_issuer"]) == (ISSUER.public_key, ISSUER.public_key)


async def test_accounts_are_listed_by_their_sponsor_a_page_at_a_time(
    horizon: HorizonClient,
) -> None:
    sponsored = sorted((keypair(name) for name in "cdef"), key=lambda each: each.public_key)
    for each in sponsored:
        row = horizon.chain.apply(
            ALICE,
            [
                BeginSponsoringFutureReserves(each.public_key),
                CreateAccount(each.public_key, "0"),
                ChangeTrust(USDC, "1000", source=each.public_key),
                EndSponsoringFutureReserves(source=each.public_key),
            ],
            (ALICE, each),
        )
        assert row.successful
    base = f"/accounts?sponsor={ALICE.public_key}"

    first = await horizon.get(f"{base}&limit=3")
    second = await horizon.get(f"{base}&limit=3&cursor={first.records[-1]['paging_token']}")
    backwards = await horizon.get(f"{base}&order=desc&limit=1")

    addresses = [each.public_key for each in sponsored]
    assert addresses[:3] == [record["account_id"] for record in first.records]
    assert addresses[3:] == [record["account_id"] for record in second.records]
    assert addresses[3:] == [record["account_id"] for record in backwards.records]
    assert {ALICE.public_key} == {record["sponsor"] for record in first.records}
    assert str(horizon.chain.engine.latest_ledger().sequence) == first.headers["latest-ledger"]


@pytest.mark.parametrize(
    "query", ["", "?sponsor=", "?sponsor=GNOBODY", f"?sponsor={ALICE.public_key}&cursor=12"]
)
async def test_accounts_are_listed_by_a_sponsor_only(horizon: HorizonClient, query: str) -> None:
    assert (await horizon.get(f"/accounts{query}")).status == 400
