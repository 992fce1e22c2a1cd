"""`GET /admin/treasury`, and the ledger of the platform's user."""

import pytest
from attrs import evolve

from offerhub.domain import postings
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.fees import FeePolicy, FeeTerms, release
from offerhub.domain.ledger import TransferKind
from offerhub.domain.money import Money
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import Committed, UnitOfWork
from offerhub.domain.users import User, Wallet, WalletRole
from tests.web.running import PLATFORM_USER as PLATFORM
from tests.web.running import RunningInstance
from tests.web.test_refusals import refusal_of
from tests.web.test_routes import shaped


async def stand_up_platform(running: RunningInstance) -> None:
    """The row and the wallet of the platform's user."""
    made = await running.user("the platform")
    wallet = await running.stored(Wallet, made.wallet_id)
    wallet = evolve(
        wallet,
        id="wal_platform",
        version=1,
        user_id=PLATFORM,
        role=WalletRole.PLATFORM,
        public_key="GPLATFORM",
    )
    user: User = evolve(
        made, id=PLATFORM, external_user_id="platform", wallet_id=wallet.id, version=1
    )
    unit = UnitOfWork(
        at=running.system.clock(), trace=Trace.system("test", "req_t"), writes=(user, wallet)
    )
    assert isinstance(await running.journal.commit(unit), Committed)


async def post(running: RunningInstance, *movements: postings.Movement) -> None:
    context = DecisionContext(
        running.system.clock(), running.system.ids, Trace.system("test", "req_t")
    )
    for movement in movements:
        transfer = context.transfer(movement, reference="ord_1", cause="test")
        unit = UnitOfWork(at=context.now, trace=context.trace, transfers=(transfer,))
        assert isinstance(await running.journal.commit(unit), Committed)


@pytest.mark.shows("GET /admin/treasury")
async def test_the_treasury_shows_what_is_the_platforms_where_it_is_and_what_it_owes(running):
    await stand_up_platform(running)
    seller = await running.user("seller")
    await running.deposit(seller, "150.00")
    hundred = Money.parse("100.00")
    payout = release(hundred, FeeTerms(500, FeePolicy.PLATFORM))
    await post(
        running,
        postings.deposit_to_treasury(Money.parse("1000.00"), "tx:1"),
        postings.reserve(seller.id, hundred),
        postings.fund_escrow("ord_1", seller.id, hundred, "tx:2"),
        postings.pay_out(TransferKind.ESCROW_RELEASE, "ord_1", seller.id, payout, "tx:3"),
        postings.create_platform_withdrawal(PLATFORM, Money.parse("4.00")),
    )

    answer = await running.get("/admin/treasury")

    assert 200 == answer.status_code
    shown = (await answer.get_json())["data"]
    assert shaped("Treasury", shown)
    assert {
        "userId": PLATFORM,
        "treasury": "1000.7000000",
        "currency": "USDC",
        "fees": {"kept": "5.0000000", "borne": "0.3000000", "earned": "4.7000000"},
        "dues": {
            "owed": "0.3000000",
            "owing": "0.0000000",
            "paying": "0.0000000",
            "collecting": "0.0000000",
        },
        "float": "0.0000000",
        "wallet": {
            "publicKey": "GPLATFORM",
            "booked": "1005.0000000",
            "withdrawing": "4.0000000",
            "withdrawable": "1000.7000000",
        },
    } == shown


async def test_the_platforms_user_shows_the_treasurys_ledger(running):
    await stand_up_platform(running)
    user = await running.user("seller")
    await running.deposit(user, "1.00")
    ten = Money.parse("10.00")
    await post(
        running,
        postings.deposit_to_treasury(ten, "tx:1"),
        postings.credit_manually(user.id, ten),
        postings.settle(user.id, ten, "tx:2"),
    )
    await post(running, postings.deposit_to_treasury(ten, "tx:3"))
    await post(running, postings.create_platform_withdrawal(PLATFORM, ten))

    answer = await running.get(f"/users/{PLATFORM}/ledger")

    assert 200 == answer.status_code
    listed = (await answer.get_json())["data"]
    kinds = ["withdrawal_created", "treasury_deposit", "settlement"]
    assert [*kinds, "manual_credit", "treasury_deposit"] == [each["kind"] for each in listed]
    assert {"account": "treasury", "amount": "10.0000000"} in listed[-1]["postings"]


async def test_the_treasury_is_for_the_scope_of_everything(running):
    await stand_up_platform(running)
    key = await running.key("read", "write", "support")

    refused = await running.get("/admin/treasury", headers={"Authorization": f"Bearer {key}"})

    assert (403, "INSUFFICIENT_SCOPE") == await refusal_of(refused)
    assert (
        401 == (await running.get("/admin/treasury", headers={"Authorization": None})).status_code
    )
