"""The clients and the check against the sandbox: a purchase on chain, also over a network that loses things."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
import trio
from attrs import define, evolve, field
from stellar_sdk import Keypair

from offerhub.domain.intents import (
    ActivateWallets,
    ApproveMilestone,
    ChangeMilestoneStatus,
    DeployEscrow,
    DisputeEscrow,
    Distribution,
    EscrowIntent,
    EscrowTerms,
    FundEscrow,
    OpenChannels,
    OwnIntent,
    PayUsdc,
    RefillWallets,
    ReleaseFunds,
    ResolveDispute,
    TrustUsdc,
    XlmRefill,
)
from offerhub.domain.money import Money
from offerhub.providers.rate import RateBudget
from offerhub.providers.stellar.build import build_own
from offerhub.providers.stellar.check import check_transaction
from offerhub.providers.stellar.envelope import CheckedTransaction, attach, contract_id_of_deploy
from offerhub.providers.stellar.horizon import HorizonClient
from offerhub.providers.stellar.port import (
    Applied,
    PaymentRecord,
    Rejected,
    StellarNetwork,
    StellarUnavailable,
    TransferOrigin,
    Unknown,
)
from offerhub.providers.stellar.rules import SigningRules
from offerhub.providers.stellar.sandbox_control import SandboxControl
from offerhub.providers.trustless_work.client import TrustlessWorkClient
from offerhub.providers.trustless_work.port import (
    EscrowProvider,
    EscrowRefused,
    Refused,
    SendUnknown,
    Sent,
)
from offerhub.providers.trustless_work.refusals import RefusalKind
from offerhub.sandbox.app import Sandbox
from offerhub.sandbox.constants import (
    ESCROW_WASM_HASH,
    FACTORY_CONTRACT_ID,
    FEE_ADDRESS,
    ISSUER_ADDRESS,
    SANDBOX_PASSPHRASE,
    TRUSTLESS_WORK_API_KEY,
)
from tests.providers.known import address, keypair
from tests.simulation.transport import Fate, Loss, SandboxTransport

URL = "http://sandbox.test"
RULES = SigningRules(
    passphrase=SANDBOX_PASSPHRASE,
    usdc_code="USDC",
    usdc_issuer=ISSUER_ADDRESS,
    factory=FACTORY_CONTRACT_ID,
    wasm_hash=ESCROW_WASM_HASH,
    fee_address=FEE_ADDRESS,
)
TERMS = EscrowTerms(
    engagement_id="ord_123",
    title="Order ord_123",
    description="An order of the marketplace",
    approver=address("buyer"),
    service_provider=address("seller"),
    platform=address("platform"),
    release_signer=address("buyer"),
    dispute_resolver=address("platform"),
    receiver=address("seller"),
    amount=Money.parse("80.00"),
    platform_fee_bps=0,
    milestones=("delivery",),
    usdc_issuer=ISSUER_ADDRESS,
)
KEYS: dict[str, Keypair] = {
    address(name): keypair(name) for name in ("buyer", "seller", "platform", "channel")
}


def clock() -> datetime:
    return datetime(2026, 11, 22, 12, tzinfo=UTC) + timedelta(seconds=trio.current_time())


def signed_by(checked: CheckedTransaction, intent: OwnIntent | EscrowIntent) -> str:
    digest = bytes.fromhex(checked.hash)
    return attach(checked, {signer: KEYS[signer].sign(digest) for signer in intent.signers})


@define
class Bench:
    """The clients on one sandbox whose ledgers close every five seconds."""

    sandbox: Sandbox
    transport: SandboxTransport
    horizon: HorizonClient
    provider: TrustlessWorkClient
    control: SandboxControl
    networks: list[StellarNetwork | EscrowProvider] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        # The clients are what the ports say: mypy checks it here.
        self.networks += [self.horizon, self.provider]

    async def sequence(self, source: str) -> int:
        account = await self.horizon.account(source)
        assert account is not None
        return account.sequence + 1

    async def sign_own(self, intent: OwnIntent) -> tuple[str, CheckedTransaction]:
        sequence = await self.sequence(intent.source)
        network = await self.horizon.state()
        envelope = build_own(
            intent,
            RULES.usdc,
            sequence=sequence,
            max_time=network.latest_closed_at + timedelta(seconds=300),
            fee_per_operation_stroops=await self.horizon.fee_per_operation(),
        )
        checked = check_transaction(envelope, intent, RULES, sequence=sequence, network=network)
        return signed_by(checked, intent), checked

    async def sign_step(self, intent: EscrowIntent) -> tuple[str, CheckedTransaction]:
        envelope = await self.provider.build(intent)
        checked = check_transaction(
            envelope,
            intent,
            RULES,
            sequence=await self.sequence(intent.source),
            network=await self.horizon.state(),
        )
        return signed_by(checked, intent), checked

    async def do(self, intent: OwnIntent) -> CheckedTransaction:
        signed, checked = await self.sign_own(intent)
        assert isinstance(await self.horizon.submit(signed, checked.hash), Applied)
        return checked

    async def step(self, intent: EscrowIntent) -> CheckedTransaction:
        signed, checked = await self.sign_step(intent)
        assert isinstance(await self.horizon.submit(signed, checked.hash), Applied)
        await self.provider.refresh(checked.hash)
        return checked

    async def usdc(self, account: str) -> str | None:
        state = await self.horizon.account(account)
        assert state is not None
        return None if state.usdc is None else state.usdc.seven_places()

    async def open_wallets(self) -> None:
        """A platform, a channel, a buyer with 100.00 and a seller."""
        await self.horizon.fund_from_friendbot(address("platform"))
        await self.do(TrustUsdc(address("platform")))
        await self.do(
            OpenChannels(address("platform"), (address("channel"),), Money.parse("20.00"))
        )
        await self.do(
            ActivateWallets(
                address("channel"),
                address("platform"),
                (address("buyer"), address("seller")),
                Money.parse("2.00"),
            )
        )
        await self.control.faucet(address("buyer"), Money.parse("100.00"))

    async def deploy(self) -> str:
        signed, _ = await self.sign_step(DeployEscrow(address("channel"), TERMS))
        sent = await self.provider.send(signed)
        assert isinstance(sent, Sent)
        assert sent.contract_id == contract_id_of_deploy(signed, RULES.network_id)
        return sent.contract_id


@asynccontextmanager
async def open_bench() -> AsyncIterator[Bench]:
    counter = 0

    def random_bytes(number: int) -> bytes:
        nonlocal counter
        counter += 1
        return hashlib.shake_256(counter.to_bytes(8)).digest(number)

    with Sandbox(database_path=None, clock=clock, random_bytes=random_bytes) as sandbox:
        transport = SandboxTransport(sandbox.handle)
        horizon = HorizonClient(
            URL,
            usdc_code="USDC",
            usdc_issuer=ISSUER_ADDRESS,
            passphrase=SANDBOX_PASSPHRASE,
            budget=RateBudget(0, 1),
            random=lambda: 0.5,
            friendbot_url=f"{URL}/friendbot",
            transport=transport,
        )
        provider = TrustlessWorkClient(
            URL,
            api_key=TRUSTLESS_WORK_API_KEY,
            budget=RateBudget(0, 1),
            random=lambda: 0.5,
            transport=transport,
        )
        control = SandboxControl(URL, random=lambda: 0.5, transport=transport)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sandbox.close_ledgers, 5.0)
            yield Bench(sandbox, transport, horizon, provider, control)
            nursery.cancel_scope.cancel()
        await horizon.aclose()
        await provider.aclose()
        await control.aclose()


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with open_bench() as bench:
        yield bench


async def test_a_purchase_runs_on_chain_from_deposit_to_withdrawal(autojump_clock, bench: Bench):
    await bench.open_wallets()
    escrow = await bench.deploy()
    await bench.step(FundEscrow(escrow, address("buyer"), TERMS.amount, TERMS))
    assert await bench.provider.balance(escrow) == TERMS.amount
    await bench.step(ChangeMilestoneStatus(escrow, 0, "completed", "", address("seller")))
    await bench.step(ApproveMilestone(escrow, 0, address("buyer")))
    released = await bench.step(ReleaseFunds(escrow, address("buyer")))
    await bench.do(
        PayUsdc(address("seller"), address("platform"), Money.parse("9.76"), "rent of May")
    )

    assert await bench.usdc(address("buyer")) == "20.0000000"
    assert await bench.usdc(address("seller")) == "70.0000000"
    assert await bench.usdc(address("platform")) == "9.7600000"
    assert await bench.provider.balance(escrow) == Money.zero()

    payouts = await bench.horizon.transfers(released.hash)
    assert [(t.source, t.destination, t.amount.seven_places(), t.contract) for t in payouts] == [
        (escrow, FEE_ADDRESS, "0.2400000", escrow),
        (escrow, address("seller"), "79.7600000", escrow),
    ]
    record = await bench.provider.escrow(escrow)
    assert record is not None
    assert record.released
    assert record.milestones[0].approved


async def test_a_dispute_is_split_on_chain_and_pays_out_the_surplus_too(
    autojump_clock, bench: Bench
):
    await bench.open_wallets()
    escrow = await bench.deploy()
    for amount in (TERMS.amount, Money.parse("2.00")):
        await bench.step(FundEscrow(escrow, address("buyer"), amount, TERMS))
    await bench.step(DisputeEscrow(escrow, address("seller")))
    record = await bench.provider.escrow(escrow)
    assert record is not None
    assert record.disputed
    shares = (
        Distribution(address("seller"), Money.parse("50.00")),
        Distribution(address("buyer"), Money.parse("30.00")),
    )
    with pytest.raises(EscrowRefused) as caught:
        await bench.provider.build(ResolveDispute(escrow, address("platform"), shares))
    assert caught.value.kind is RefusalKind.DISTRIBUTIONS_MUST_EQUAL_BALANCE

    surplus = await bench.provider.balance(escrow) - TERMS.amount
    resolved = await bench.step(ResolveDispute(escrow, address("platform"), shares, surplus))
    payouts = await bench.horizon.transfers(resolved.hash)
    assert sorted((t.destination, t.amount.seven_places()) for t in payouts) == sorted(
        [
            (FEE_ADDRESS, "0.2460000"),
            (address("seller"), "49.8500000"),
            (address("buyer"), "29.9100000"),
            (address("platform"), "1.9940000"),
        ]
    )
    assert await bench.provider.balance(escrow) == Money.zero()
    record = await bench.provider.escrow(escrow)
    assert record is not None
    assert (record.disputed, record.resolved, record.released) == (False, True, False)


async def test_the_resolver_may_not_open_a_dispute(autojump_clock, bench: Bench):
    await bench.open_wallets()
    escrow = await bench.deploy()
    with pytest.raises(EscrowRefused) as caught:
        await bench.provider.build(DisputeEscrow(escrow, address("platform")))
    assert caught.value.kind is RefusalKind.RESOLVER_CANNOT_DISPUTE


async def test_a_watcher_reads_every_transfer_once_page_by_page(autojump_clock, bench: Bench):
    await bench.open_wallets()
    escrow = await bench.deploy()
    await bench.step(FundEscrow(escrow, address("buyer"), TERMS.amount, TERMS))
    cursor, seen = "0", []
    while True:
        page = await bench.horizon.payments_after(cursor, 2)
        cursor = page.cursor
        for record in page.records:
            assert isinstance(record, PaymentRecord)
            seen += [t for t in record.transfers if t.asset_issuer == ISSUER_ADDRESS]
        if not page.full:
            break
    assert [(t.destination, t.amount.seven_places(), t.origin) for t in seen] == [
        (address("buyer"), "100.0000000", TransferOrigin.PAYMENT),
        (escrow, "80.0000000", TransferOrigin.CONTRACT),
    ]
    assert (await bench.horizon.payments_after(cursor, 2)).records == ()


async def test_new_wallets_can_spend_the_float_and_nothing_of_the_sponsors(
    autojump_clock, bench: Bench
):
    await bench.open_wallets()
    buyer = await bench.horizon.account(address("buyer"))
    assert buyer is not None
    assert buyer.xlm_spendable == Money.parse("2.00")
    refill = XlmRefill(address("buyer"), Money.parse("1.50"))
    await bench.do(RefillWallets(address("channel"), address("platform"), (refill,)))
    buyer = await bench.horizon.account(address("buyer"))
    assert buyer is not None
    assert buyer.xlm_spendable == Money.parse("3.50")


async def test_the_wallets_history_is_read_newest_first(autojump_clock, bench: Bench):
    await bench.open_wallets()
    lines = await bench.horizon.account_payments(address("buyer"), 10)
    assert [(line.type, line.asset) for line in lines] == [
        ("payment", "USDC"),
        ("create_account", "XLM"),
    ]
    assert await bench.horizon.account_payments(address("stranger"), 10) == ()


async def test_a_lost_answer_leaves_a_payment_unknown_and_its_hash_tells_the_truth(
    autojump_clock, bench: Bench
):
    await bench.open_wallets()
    signed, checked = await bench.sign_own(
        PayUsdc(address("buyer"), address("seller"), Money.parse("10.00"))
    )
    for silent in (False, True):
        bench.transport.weather = lambda _request, silent=silent: Fate(Loss.ANSWER, silent=silent)
        assert isinstance(await bench.horizon.submit(signed, checked.hash), Unknown)
    bench.transport.weather = None
    record = await bench.horizon.transaction(checked.hash)
    assert record is not None
    assert record.successful
    assert record.source_sequence == checked.sequence
    assert isinstance(await bench.horizon.submit(signed, checked.hash), Applied)
    assert await bench.usdc(address("seller")) == "10.0000000"


async def test_a_lost_request_leaves_a_payment_unknown_and_it_can_be_sent_again(
    autojump_clock, bench: Bench
):
    await bench.open_wallets()
    signed, checked = await bench.sign_own(
        PayUsdc(address("buyer"), address("seller"), Money.parse("10.00"))
    )
    bench.transport.weather = lambda _request: Fate(Loss.REQUEST)
    assert isinstance(await bench.horizon.submit(signed, checked.hash), Unknown)
    bench.transport.weather = None
    assert await bench.horizon.transaction(checked.hash) is None
    assert isinstance(await bench.horizon.submit(signed, checked.hash), Applied)
    assert await bench.usdc(address("seller")) == "10.0000000"


async def test_a_deployment_whose_answer_is_lost_is_found_by_its_hash(autojump_clock, bench: Bench):
    await bench.open_wallets()
    signed, checked = await bench.sign_step(DeployEscrow(address("channel"), TERMS))
    bench.transport.weather = lambda _request: Fate(Loss.ANSWER)
    assert isinstance(await bench.provider.send(signed), SendUnknown)
    bench.transport.weather = None
    record = await bench.horizon.transaction(checked.hash)
    assert record is not None
    assert record.successful
    await bench.provider.refresh(checked.hash)
    escrow = contract_id_of_deploy(signed, RULES.network_id)
    found = await bench.provider.escrow(escrow)
    assert found is not None
    assert found.engagement_id == TERMS.engagement_id


async def test_a_payment_to_nobody_is_included_and_failed(autojump_clock, bench: Bench):
    await bench.open_wallets()
    signed, checked = await bench.sign_own(
        PayUsdc(address("buyer"), address("stranger"), Money.parse("10.00"))
    )
    result = await bench.horizon.submit(signed, checked.hash)
    assert isinstance(result, Rejected)
    assert (result.transaction_code, result.operation_codes) == (
        "tx_failed",
        ("op_no_destination",),
    )
    record = await bench.horizon.transaction(checked.hash)
    assert record is not None
    assert not record.successful
    assert record.operation_codes == ("op_no_destination",)
    assert await bench.horizon.transfers(checked.hash) == ()


async def test_an_expired_envelope_is_refused_and_never_included(autojump_clock, bench: Bench):
    await bench.open_wallets()
    signed, checked = await bench.sign_own(
        PayUsdc(address("buyer"), address("seller"), Money.parse("10.00"))
    )
    await trio.sleep(400)
    result = await bench.horizon.submit(signed, checked.hash)
    assert result == Rejected("tx_too_late", (), included=False)
    assert (await bench.horizon.state()).latest_closed_at > checked.max_time
    assert await bench.horizon.transaction(checked.hash) is None


async def test_a_funding_beyond_the_wallets_money_is_refused_when_it_is_built(
    autojump_clock, bench: Bench
):
    await bench.open_wallets()
    escrow = await bench.deploy()
    with pytest.raises(EscrowRefused) as caught:
        await bench.provider.build(
            FundEscrow(escrow, address("buyer"), Money.parse("100.01"), TERMS)
        )
    assert caught.value.kind is RefusalKind.INSUFFICIENT_FUNDS_FOR_FUNDING


async def test_a_release_before_the_approval_is_refused_when_it_is_built(
    autojump_clock, bench: Bench
):
    await bench.open_wallets()
    escrow = await bench.deploy()
    await bench.step(FundEscrow(escrow, address("buyer"), TERMS.amount, TERMS))
    with pytest.raises(EscrowRefused) as caught:
        await bench.provider.build(ReleaseFunds(escrow, address("buyer")))
    assert caught.value.kind is RefusalKind.NOT_COMPLETED


async def test_a_funding_whose_terms_have_changed_is_refused_by_the_contract(
    autojump_clock, bench: Bench
):
    await bench.open_wallets()
    escrow = await bench.deploy()
    signed, checked = await bench.sign_step(
        FundEscrow(escrow, address("buyer"), TERMS.amount, TERMS)
    )
    await bench.step(ChangeMilestoneStatus(escrow, 0, "completed", "", address("seller")))
    sent = await bench.provider.send(signed)
    assert isinstance(sent, Refused | SendUnknown)
    record = await bench.horizon.transaction(checked.hash)
    assert record is None or record.operation_codes == ("function_trapped",)


async def test_an_amount_with_seven_places_and_half_a_percent_arrives_exactly(
    autojump_clock, bench: Bench
):
    await bench.open_wallets()
    terms = evolve(TERMS, amount=Money(333_333_333), platform_fee_bps=550)
    intent = DeployEscrow(address("channel"), terms)
    signed, _ = await bench.sign_step(intent)
    sent = await bench.provider.send(signed)
    assert isinstance(sent, Sent)
    assert sent.contract_id is not None
    await bench.step(FundEscrow(sent.contract_id, address("buyer"), terms.amount, terms))
    assert await bench.provider.balance(sent.contract_id) == terms.amount
    record = await bench.provider.escrow(sent.contract_id)
    assert record is not None
    assert record.amount == terms.amount


async def test_a_broken_connection_is_no_answer(autojump_clock, bench: Bench):
    bench.transport.weather = lambda _request: Fate(Loss.REQUEST, there_s=1)
    with pytest.raises(StellarUnavailable, match="WriteError"):
        await bench.horizon.state()
