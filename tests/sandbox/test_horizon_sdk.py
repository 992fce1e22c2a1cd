"""The official Python SDK, unchanged, against the face on a real port (docs/spec/stellar-horizon.md §8)."""

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import pytest
import requests
import trio
from stellar_sdk import (
    Asset,
    CreateAccount,
    Keypair,
    Payment,
    Server,
    TransactionBuilder,
)
from stellar_sdk.exceptions import BadRequestError, NotFoundError

from offerhub.sandbox.server import serve
from tests.sandbox.chain import FRIENDBOT, ISSUER, PASSPHRASE, USDC, Chain, keypair
from tests.sandbox.horizon_client import HorizonClient

ALICE, BOB = keypair("alice"), keypair("bob")
LEDGER_S = 0.05
_T = TypeVar("_T")


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """A network that closes a ledger every 50 ms, with Alice and Bob on it."""
    horizon = HorizonClient(Chain(ledger_seconds=LEDGER_S))
    create = [CreateAccount(each.public_key, "100") for each in (ALICE, BOB)]
    assert horizon.chain.apply(FRIENDBOT, create).successful
    async with trio.open_nursery() as nursery:

        async def start(*, task_status: trio.TaskStatus[int]) -> None:
            await serve(horizon.face.handle, port=0, task_status=task_status)

        port = await nursery.start(start)
        nursery.start_soon(horizon.close_ledgers, LEDGER_S)
        yield f"http://127.0.0.1:{port}"
        nursery.cancel_scope.cancel()


async def with_sdk(url: str, use: Callable[[Server], _T]) -> _T:
    """Run blocking SDK calls in a thread, as its users do."""

    def work() -> _T:
        with Server(url) as server:
            return use(server)

    with trio.fail_after(30):
        return await trio.to_thread.run_sync(work)


def pay(server: Server, source: Keypair, to: Keypair, amount: str, asset: Asset) -> dict[str, Any]:
    account = server.load_account(source.public_key)
    builder = TransactionBuilder(account, PASSPHRASE, server.fetch_base_fee())
    transaction = builder.append_payment_op(to.public_key, asset, amount).set_timeout(60).build()
    transaction.sign(source)
    return server.submit_transaction(transaction)


async def test_the_sdk_reads_an_account(url: str) -> None:
    account = await with_sdk(url, lambda server: server.load_account(ALICE.public_key))

    assert account.account.account_id == ALICE.public_key
    assert account.sequence == 2 << 32
    assert account.raw_data is not None
    assert account.raw_data["balances"][-1]["balance"] == "100.0000000"


async def test_the_sdk_submits_a_payment(url: str) -> None:
    answer = await with_sdk(url, lambda server: pay(server, ALICE, BOB, "1.5", Asset.native()))

    assert answer["successful"]
    found = await with_sdk(
        url, lambda server: server.transactions().transaction(answer["hash"]).call()
    )
    assert found["ledger"] == answer["ledger"]


async def test_the_sdk_understands_a_failure(url: str) -> None:
    def work(server: Server) -> BadRequestError:
        with pytest.raises(BadRequestError) as caught:
            pay(server, ALICE, BOB, "1", USDC)
        return caught.value

    error = await with_sdk(url, work)

    assert error.extras is not None
    assert error.extras["result_codes"] == {
        "transaction": "tx_failed",
        "operations": ["op_no_trust"],
    }


async def test_the_sdk_submits_asynchronously_and_finds_the_outcome(url: str) -> None:
    def work(server: Server) -> tuple[dict[str, Any], int]:
        account = server.load_account(ISSUER.public_key)
        builder = TransactionBuilder(account, PASSPHRASE, 100)
        builder.append_operation(Payment(BOB.public_key, Asset.native(), "2"))
        transaction = builder.set_timeout(60).build()
        transaction.sign(ISSUER)
        pending = server.submit_transaction_async(transaction)
        while True:
            try:
                return pending, server.transactions().transaction(pending["hash"]).call()["ledger"]
            except NotFoundError:
                continue

    pending, ledger = await with_sdk(url, work)

    assert pending["tx_status"] == "PENDING"
    assert ledger > 2


async def test_the_sdk_streams_payments_across_reconnects(url: str) -> None:
    """A stream of ten records at most: the SDK reconnects by itself and misses none."""

    def work(server: Server) -> list[str]:
        for number in range(1, 6):
            pay(server, ALICE, BOB, str(number), Asset.native())
        query = server.payments().for_account(BOB.public_key).cursor("0").limit(2)
        amounts: list[str] = []
        stream = query.stream()
        for record in stream:
            amounts.append(record.get("amount") or record["starting_balance"])
            if len(amounts) == 4:
                pay(server, ALICE, BOB, "6", Asset.native())
            if len(amounts) == 7:
                break
        stream.close()
        return amounts

    amounts = await with_sdk(url, work)

    assert amounts == ["100.0000000", *(f"{number}.0000000" for number in range(1, 7))]


async def test_the_sdk_pages(url: str) -> None:
    def work(server: Server) -> list[str]:
        pay(server, ALICE, BOB, "1", Asset.native())
        query = server.payments().limit(1).order(desc=False)
        page, types = query.call(), []
        while page["_embedded"]["records"]:
            types += [record["type"] for record in page["_embedded"]["records"]]
            page = query.next()
        return types

    assert await with_sdk(url, work) == ["create_account", "create_account", "payment"]


async def test_the_sdk_reads_ledgers_fees_and_the_root(url: str) -> None:
    def work(server: Server) -> tuple[int, str, str]:
        ledger = server.ledgers().order().limit(1).call()["_embedded"]["records"][0]
        fees = server.fee_stats().call()
        return (
            ledger["sequence"],
            fees["last_ledger_base_fee"],
            server.root().call()["network_passphrase"],
        )

    sequence, fee, passphrase = await with_sdk(url, work)

    assert sequence >= 2
    assert (fee, passphrase) == ("100", PASSPHRASE)


async def test_friendbot_is_a_plain_get(url: str) -> None:
    user = keypair("new user").public_key

    def work(server: Server) -> str:
        with requests.get(f"{url}/friendbot", params={"addr": user}, timeout=10) as response:
            assert response.status_code == 200
        return server.accounts().account_id(user).call()["balances"][-1]["balance"]

    assert await with_sdk(url, work) == "10000.0000000"
