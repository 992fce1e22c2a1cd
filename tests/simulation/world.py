"""The whole orchestrator without a socket: the real tree on the twin and the sandbox's core.

Time is Trio's mock clock, chance is seeded. A `Machine` is one life of the process; what lasts (the
database and the chain) is the `Universe`'s, so that a machine can be killed and another started.
"""

import hashlib
import random  # noqa: TID251 - seeded: the simulation owns its chance
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final

import trio
from attrs import define, field
from stellar_sdk import Account, Keypair, TransactionBuilder, TransactionEnvelope, scval
from stellar_sdk.operation import ChangeTrust, CreateAccount

from actors.kernel import AskGraph, OnCrash, Supervisor
from actors.lane_parts import XlmPolicy
from actors.sealing import KeyRing
from actors.signing import LocalSigner
from actors.system import Instance, System
from actors.tree import Choices, Tree, World, build, prepare
from offerhub.domain.fees import FeePolicy, FeeTerms
from offerhub.domain.ids import Ids
from offerhub.domain.limits import Limits
from offerhub.domain.money import Money
from offerhub.domain.trace import Trace
from offerhub.providers.rate import RateBudget
from offerhub.providers.stellar.horizon import HorizonClient
from offerhub.providers.stellar.rules import SigningRules
from offerhub.providers.stellar.sandbox_control import SandboxControl
from offerhub.providers.trustless_work.client import TrustlessWorkClient
from offerhub.sandbox import constants
from offerhub.sandbox.app import Sandbox
from offerhub.sandbox.constants import (
    ESCROW_WASM_HASH,
    FACTORY_CONTRACT_ID,
    FEE_ADDRESS,
    ISSUER_ADDRESS,
    SANDBOX_PASSPHRASE,
    TRUSTLESS_WORK_API_KEY,
)
from offerhub.sandbox.escrow.envelopes import PlannedCall, unsigned_envelope
from offerhub.sandbox.escrow.face import FaceSettings
from offerhub.sandbox.transport import Handle
from storage.memory import MemoryDatabase, MemoryStorage
from storage.port import Storage
from tests.simulation.transport import SandboxTransport, Weather
from web.answers import AnswerEncoder
from web.routes import ROUTES

BEGINNING: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
URL: Final = "http://sandbox.test"
ENCRYPTION_KEY: Final = hashlib.sha256(b"a wallet key for tests").digest()

RULES: Final = SigningRules(
    passphrase=SANDBOX_PASSPHRASE,
    usdc_code="USDC",
    usdc_issuer=ISSUER_ADDRESS,
    factory=FACTORY_CONTRACT_ID,
    wasm_hash=ESCROW_WASM_HASH,
    fee_address=FEE_ADDRESS,
)


def now() -> datetime:
    """The present of the mock clock."""
    return BEGINNING + timedelta(seconds=trio.current_time())


def bytes_from(seed: str) -> Callable[[int], bytes]:
    """Random bytes that follow from a seed alone."""
    numbers = count()
    return lambda size: hashlib.shake_256(f"{seed} {next(numbers)}".encode()).digest(size)


def choices(channel_accounts: int = 2) -> Choices:
    """The default choices of an operator, in the sandbox."""
    return Choices(
        instance=Instance(
            version="test",
            network="sandbox",
            payment_provider="crypto",
            currency="USDC",
            usdc_code="USDC",
            usdc_issuer=ISSUER_ADDRESS,
            order_limits=Limits(Money.parse("0.01"), Money.parse("1000000.00")),
            withdrawal_limits=Limits(Money.parse("0.01"), Money.parse("1000000.00")),
            topup_limits=Limits(Money.parse("1.00"), Money.parse("10000.00")),
            platform_user_id="",
            chain_wait_s=60.0,
            features={},
        ),
        rules=RULES,
        fee_terms=FeeTerms(platform_fee_bps=0, policy=FeePolicy.PAYEE),
        attempts_max=5,
        channel_accounts=channel_accounts,
        wallet_xlm=XlmPolicy(minimum=Money(5_000_000), level=Money(20_000_000)),
        settlement_s=60.0,
        poll_s=1.0,
        platform_user_id=None,
        live_keys=False,
    )


@define
class Universe:
    """What outlives the process: the database and the chain."""

    seed: int
    ledger_s: float = 1.0
    database: MemoryDatabase = field(factory=MemoryDatabase)
    envelope_s: float = 300.0
    sandbox: Sandbox = field(init=False)
    lives: int = 0
    keys: list[bytes] = field(factory=lambda: [ENCRYPTION_KEY])
    """Of the wallets' seeds: what a process starts with, the present one last."""

    def __attrs_post_init__(self) -> None:
        self.sandbox = Sandbox(
            database_path=None,
            clock=now,
            random_bytes=bytes_from(f"sandbox {self.seed}"),
            ledger_seconds=self.ledger_s,
            face_settings=FaceSettings(
                api_key=TRUSTLESS_WORK_API_KEY, envelope_lifetime_s=self.envelope_s
            ),
        )


@define
class Machine:
    """One life of the process."""

    system: System
    tree: Tree
    control: SandboxControl
    transport: SandboxTransport
    supervisor: Supervisor

    def trace(self, actor: str = "key:test") -> Trace:
        return Trace(correlation_id=self.system.ids.new("req"), actor=actor)


@asynccontextmanager
async def started(
    universe: Universe,
    *,
    weather: Weather | None = None,
    storage: Callable[[], Storage] | None = None,
    handle: Handle | None = None,
    chosen: Choices | None = None,
    on_crash: OnCrash | None = None,
    underway: trio.Nursery | None = None,
    horizon_per_hour: int = 0,
) -> AsyncIterator[Machine]:
    """Start a process on a universe; leaving the context kills it at once.

    Nothing but what is stored survives: the epoch of the database fences the old process off.

    Args:
        storage: opens the process's handle on the database; by default the plain twin.
        handle: answers for the network and the provider; by default the universe's sandbox.
        on_crash: told the crashes of the tree's own children; by default `crashes` keeps them.
        underway: carries requests that arrive after their caller has given up, or died.
    """
    universe.lives += 1
    seed = f"{universe.seed} {universe.lives}"
    chance = random.Random(seed)
    random_bytes = bytes_from(f"process {seed}")
    transport = SandboxTransport(
        handle or universe.sandbox.handle, weather=weather, underway=underway
    )
    horizon = HorizonClient(
        URL,
        usdc_code="USDC",
        usdc_issuer=ISSUER_ADDRESS,
        passphrase=SANDBOX_PASSPHRASE,
        budget=RateBudget.per_hour(horizon_per_hour),
        random=chance.random,
        friendbot_url=f"{URL}/friendbot",
        transport=transport,
    )
    provider = TrustlessWorkClient(
        URL,
        api_key=TRUSTLESS_WORK_API_KEY,
        budget=RateBudget.per_minute(0),
        random=chance.random,
        transport=transport,
    )
    control = SandboxControl(
        URL, random=chance.random, transport=SandboxTransport(universe.sandbox.handle)
    )
    world = World(
        storage=MemoryStorage(universe.database, now) if storage is None else storage(),
        network=horizon,
        provider=provider,
        now=now,
        random_bytes=random_bytes,
        random=chance.random,
        signer=LocalSigner(
            KeyRing(universe.keys[-1], random_bytes, universe.keys[:-1]), random_bytes
        ),
        encode=AnswerEncoder(ROUTES),
    )
    operator = chosen or choices()
    platform = await prepare(world, operator)
    tree = build(world, operator, platform)
    supervisor = Supervisor(
        "root",
        tree.specs,
        random=chance.random,
        on_crash=on_crash or _note_crash,
        restarts_max=50,
        asks=AskGraph(),
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        yield Machine(tree.system, tree, control, transport, supervisor)
        nursery.cancel_scope.cancel()


def _note_crash(name: str, error: Exception) -> None:
    crashes.append((name, error))


crashes: list[tuple[str, Exception]] = []
"""Crashes of the tree's own children, newest last; tests look at it and empty it."""


def ids_of(seed: str) -> Ids:
    """A source of ids for the test's own use."""
    return Ids(bytes_from(seed))


def open_outside_account(universe: Universe, name: str) -> str:
    """Open an account of nobody's that trusts USDC, and return its address."""
    keys = Keypair.from_raw_ed25519_seed(hashlib.sha256(f"outside {name}".encode()).digest())
    engine = universe.sandbox.engine
    friendbot = engine.account(constants.FRIENDBOT_ADDRESS)
    if friendbot is None:
        msg = "the sandbox has no friendbot"
        raise LookupError(msg)
    builder = TransactionBuilder(
        Account(friendbot.address, friendbot.sequence), SANDBOX_PASSPHRASE, base_fee=100
    )
    builder.append_operation(CreateAccount(keys.public_key, "10"))
    builder.append_operation(ChangeTrust(constants.USDC_ASSET, source=keys.public_key))
    builder.add_time_bounds(0, int(now().timestamp()) + 60)
    envelope = builder.build()
    for signer in (constants.FRIENDBOT_KEYPAIR, keys):
        envelope.sign(signer)
    engine.submit(envelope.to_xdr(), now())
    universe.sandbox.ledgers.close_now()
    return keys.public_key


def pay_into_contract(universe: Universe, name: str, contract_id: str, amount: Money) -> None:
    """Have an outside account, opened and paid before, send USDC to a contract, as anyone can."""
    keys = Keypair.from_raw_ed25519_seed(hashlib.sha256(f"outside {name}".encode()).digest())
    engine = universe.sandbox.engine
    account = engine.account(keys.public_key)
    if account is None:
        msg = f"{name} has no account"
        raise LookupError(msg)
    call = PlannedCall(
        keys.public_key,
        constants.USDC_CONTRACT_ID,
        "transfer",
        (
            scval.to_address(keys.public_key),
            scval.to_address(contract_id),
            scval.to_int128(amount.stroops),
        ),
    )
    unsigned = unsigned_envelope(
        call,
        sequence=account.sequence,
        usdc_contract=constants.USDC_CONTRACT_ID,
        max_time=now() + timedelta(minutes=1),
    )
    envelope = TransactionEnvelope.from_xdr(unsigned, SANDBOX_PASSPHRASE)
    envelope.sign(keys)
    engine.submit(envelope.to_xdr(), now())
    universe.sandbox.ledgers.close_now()
