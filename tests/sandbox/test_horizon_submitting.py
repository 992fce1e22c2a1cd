"""Submitting through Horizon's face, both ways, and friendbot (docs/spec/stellar-horizon.md §2.5, §8.1)."""

from collections.abc import AsyncIterator

import pytest
import trio
import trio.testing
from stellar_sdk import Asset, CreateAccount, Keypair, Payment, xdr

from tests.sandbox.chain import FRIENDBOT, Chain, keypair
from tests.sandbox.horizon_client import Answer, HorizonClient

ALICE, BOB = keypair("alice"), keypair("bob")


@pytest.fixture
def horizon() -> HorizonClient:
    client = HorizonClient(Chain(ledger_seconds=1))
    create = [CreateAccount(each.public_key, "100") for each in (ALICE, BOB)]
    assert client.chain.apply(FRIENDBOT, create).successful
    return client


@pytest.fixture
async def closing(horizon: HorizonClient) -> AsyncIterator[HorizonClient]:
    """The same with a ledger every second; the test asks for `autojump_clock` itself."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(horizon.close_ledgers)
        yield horizon
        nursery.cancel_scope.cancel()


def payment(horizon: HorizonClient, amount: str = "1", *, to: Keypair = BOB, ahead: int = 0) -> str:
    operation = Payment(to.public_key, Asset.native(), amount)
    return horizon.chain.envelope(ALICE, [operation], ahead=ahead)


async def test_a_submission_is_answered_when_its_ledger_closed(
    closing: HorizonClient, autojump_clock: trio.testing.MockClock
) -> None:
    start = trio.current_time()
    envelope = payment(closing)

    answer = await closing.post("/transactions", envelope)

    assert answer.status == 200
    assert answer.body["successful"]
    assert trio.current_time() - start <= 1
    again = await closing.post("/transactions", envelope)
    assert again.body == answer.body


async def test_a_failure_is_told_with_its_codes_and_xdr(
    closing: HorizonClient, autojump_clock: trio.testing.MockClock
) -> None:
    envelope = payment(closing, to=keypair("nobody"))

    answer = await closing.post("/transactions", envelope)

    assert answer.status == 400
    assert answer.body["type"].endswith("transaction_failed")
    extras = answer.body["extras"]
    assert extras["envelope_xdr"] == envelope
    assert extras["result_codes"] == {
        "transaction": "tx_failed",
        "operations": ["op_no_destination"],
    }
    assert xdr.TransactionResult.from_xdr(extras["result_xdr"]).fee_charged.int64 == 100
    assert (await closing.post("/transactions", envelope)).body == answer.body


async def test_a_refusal_is_told_at_once(horizon: HorizonClient) -> None:
    answer = await horizon.post("/transactions", payment(horizon, ahead=5))

    assert answer.status == 400
    assert answer.body["extras"]["result_codes"] == {"transaction": "tx_bad_seq"}
    assert answer.body["extras"]["result_xdr"] == "AAAAAAAAAAD////7AAAAAA=="


async def test_when_no_ledger_closes_the_outcome_is_unknown(
    horizon: HorizonClient, autojump_clock: trio.testing.MockClock
) -> None:
    envelope = payment(horizon)

    answer = await horizon.post("/transactions", envelope)

    assert answer.status == 504
    assert answer.body["type"].endswith("transaction_submission_timeout")
    assert trio.current_time() == pytest.approx(30)
    horizon.close_ledger()
    found = await horizon.get(f"/transactions/{answer.body['extras']['hash']}")
    assert found.body["envelope_xdr"] == envelope


async def test_try_again_later_hides_in_a_timeout(
    horizon: HorizonClient, autojump_clock: trio.testing.MockClock
) -> None:
    assert (await horizon.post("/transactions_async", payment(horizon))).status == 201

    answer = await horizon.post("/transactions", payment(horizon, ahead=1))

    assert answer.status == 504


async def test_a_used_sequence_number_is_looked_up_when_history_has_caught_up(
    closing: HorizonClient, autojump_clock: trio.testing.MockClock
) -> None:
    closing.knobs.ingestion_lag_ledgers = 2
    envelope = payment(closing)
    accepted = await closing.post("/transactions_async", envelope)
    await closing.shell.wait_ledger_closed()
    assert (await closing.get(f"/transactions/{accepted.body['hash']}")).status == 404

    assert (await closing.post("/transactions_async", envelope)).body["tx_status"] == "ERROR"
    assert (await closing.post("/transactions", envelope)).status == 200
    assert (
        await closing.post("/transactions", payment(closing, ahead=-1, amount="2"))
    ).status == 400


async def test_the_asynchronous_way_tells_what_the_node_says(horizon: HorizonClient) -> None:
    async def post(envelope: str) -> Answer:
        return await horizon.post("/transactions_async", envelope)

    envelope = payment(horizon)
    pending, duplicate = await post(envelope), await post(envelope)
    later = await post(payment(horizon, ahead=1))
    horizon.close_ledger()
    used = await post(envelope)
    broken = await post("AAAA")

    assert (pending.status, pending.body["tx_status"]) == (201, "PENDING")
    assert (duplicate.status, duplicate.body["tx_status"]) == (409, "DUPLICATE")
    assert (later.status, later.body["tx_status"]) == (503, "TRY_AGAIN_LATER")
    assert (used.status, used.body["tx_status"]) == (400, "ERROR")
    assert used.body["error_result_xdr"] == "AAAAAAAAAAD////7AAAAAA=="
    assert pending.body["hash"] == duplicate.body["hash"] == used.body["hash"]
    assert broken.body["type"].endswith("transaction_malformed")


@pytest.mark.parametrize("path", ["/transactions", "/transactions_async"])
async def test_a_submission_that_is_none_is_refused(horizon: HorizonClient, path: str) -> None:
    malformed = await horizon.post(path, "nonsense")
    json = await horizon.post(path, payment(horizon), content_type="application/json")
    empty = await horizon.post(path, "")

    assert malformed.body["type"].endswith("transaction_malformed")
    assert malformed.body["extras"] == {"envelope_xdr": "nonsense"}
    assert json.status == 415
    assert empty.body["extras"]["invalid_field"] == "tx"


async def test_a_cancelled_submission_is_applied_all_the_same(
    horizon: HorizonClient, autojump_clock: trio.testing.MockClock
) -> None:
    with trio.move_on_after(5):
        await horizon.post("/transactions", payment(horizon))
    horizon.close_ledger()

    assert len((await horizon.get(f"/accounts/{ALICE.public_key}/payments")).records) == 2


async def test_friendbot_funds_once(
    closing: HorizonClient, autojump_clock: trio.testing.MockClock
) -> None:
    user = keypair("user").public_key

    first = await closing.get(f"/friendbot?addr={user}")
    second = await closing.get(f"/friendbot?addr={user}")

    assert first.status == 200
    assert first.body["successful"]
    assert (second.status, second.body["detail"]) == (
        400,
        "account already funded to starting balance",
    )
    account = (await closing.get(f"/accounts/{user}")).body
    assert account["balances"][-1]["balance"] == "10000.0000000"


async def test_friendbot_funds_many_at_once_in_few_ledgers(
    closing: HorizonClient, autojump_clock: trio.testing.MockClock
) -> None:
    users = [keypair(f"user {number}").public_key for number in range(30)]
    statuses: list[int] = []

    async def ask(user: str) -> None:
        statuses.append((await closing.get(f"/friendbot?addr={user}")).status)

    first = closing.chain.engine.latest_ledger().sequence
    async with trio.open_nursery() as nursery:
        for user in users:
            nursery.start_soon(ask, user)

    assert statuses == [200] * 30
    assert closing.chain.engine.latest_ledger().sequence - first <= 2


async def test_friendbot_asked_twice_at_once_creates_one_account(
    closing: HorizonClient, autojump_clock: trio.testing.MockClock
) -> None:
    user = keypair("user").public_key
    answers: list[int] = []

    async def ask() -> None:
        answers.append((await closing.get(f"/friendbot?addr={user}")).status)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        nursery.start_soon(ask)

    assert answers == [200, 200]
    assert len((await closing.get(f"/accounts/{user}/transactions")).records) == 1
