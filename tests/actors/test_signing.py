"""A signer that is far away makes nobody wait for anyone else's signature."""

from datetime import timedelta
from typing import Any

import pytest
import trio
import trio.testing
from attrs import evolve

from actors.kernel import Cell
from actors.sealing import KeyRing
from actors.signing import CannotSign, LocalSigner, NewKeypair, SignerUnavailable
from actors.vault import (
    SIGNER_DEADLINE_S,
    SIGNING_MAX,
    MakeKeypair,
    NotSigned,
    SignTransaction,
    Vault,
)
from offerhub.domain.chain_moves import SignedEnvelope
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.intents import PayUsdc
from offerhub.domain.money import Money
from offerhub.domain.users import SealedSeed, Wallet, WalletRole, WalletStatus
from offerhub.providers.stellar.build import build_own
from storage.memory import MemoryDatabase, MemoryStorage
from tests.providers.known import MAX_TIME, NETWORK, RULES, SEQUENCE, address, keypair
from tests.simulation.world import ENCRYPTION_KEY, bytes_from

LATENCY_S = 0.02
PAY = PayUsdc(address("buyer"), address("outside"), Money.parse("1.00"))
WALLET = Wallet(
    "wal_1",
    1,
    "usr_1",
    WalletRole.USER,
    address("buyer"),
    SealedSeed("1", b"nonce", b"sealed elsewhere"),
    WalletStatus.ACTIVE,
    NETWORK.latest_closed_at,
    NETWORK.latest_closed_at,
)


class KeyService:
    """A key service that takes its time."""

    def __init__(self, latency_s: float = LATENCY_S) -> None:
        self.latency_s = latency_s
        self.asked = 0
        self.under_way = 0
        self.most = 0
        self.key = keypair("buyer")
        self.failure: Exception | None = None

    async def make(self, wallet_id: str) -> NewKeypair:
        await self._think()
        return NewKeypair(keypair(wallet_id).public_key, SealedSeed("1", b"", b""))

    async def sign(self, tx_hash: bytes, wallet: Wallet) -> bytes:
        del wallet
        await self._think()
        return self.key.sign(tx_hash)

    @property
    def key_version(self) -> str:
        return "1"

    async def reseal(self, wallet: Wallet) -> SealedSeed:
        await self._think()
        return wallet.seed

    async def mark(self) -> str:
        return "mark"

    async def recognise(self, mark: str) -> None:
        del mark

    async def _think(self) -> None:
        self.asked += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await trio.sleep(self.latency_s)
        finally:
            self.under_way -= 1
        if self.failure is not None:
            raise self.failure


def asked_for(intent: PayUsdc = PAY) -> SignTransaction:
    unsigned = build_own(
        PAY, RULES.usdc, sequence=SEQUENCE, max_time=MAX_TIME, fee_per_operation_stroops=100
    )
    return SignTransaction(unsigned, intent, SEQUENCE, NETWORK)


def vault_with(signer: KeyService) -> Cell[Any]:
    def now():
        return NETWORK.latest_closed_at + timedelta(seconds=1)

    database = MemoryDatabase()
    database.tables.write((WALLET,))
    storage = MemoryStorage(database, now)
    return Cell("vault", lambda: Vault(storage, signer, RULES, now), capacity=256)


async def answers_of(vault: Cell[Any], count: int) -> list[object]:
    """What so many askers get who ask at once."""
    answers: list[object] = []

    async def ask() -> None:
        answers.append(await vault.address.ask(asked_for()))

    async with trio.open_nursery() as askers:
        for _ in range(count):
            askers.start_soon(ask)
    return answers


async def test_signatures_are_made_side_by_side_up_to_a_bound(autojump_clock):
    signer = KeyService()
    vault = vault_with(signer)
    async with trio.open_nursery() as nursery:
        await nursery.start(vault.run)
        began = trio.current_time()
        answers = await answers_of(vault, 4 * SIGNING_MAX)
        rounds = (trio.current_time() - began) / LATENCY_S
        nursery.cancel_scope.cancel()

    assert all(isinstance(answer, SignedEnvelope) for answer in answers)
    assert SIGNING_MAX == signer.most
    assert 4 == round(rounds)


async def test_the_signer_is_never_asked_for_what_the_vault_refuses(autojump_clock):
    signer = KeyService()
    vault = vault_with(signer)
    async with trio.open_nursery() as nursery:
        await nursery.start(vault.run)
        foreign = await vault.address.ask(asked_for(evolve(PAY, amount=Money.parse("2.00"))))
        stranger = await vault.address.ask(
            evolve(asked_for(), network=evolve(NETWORK, latest_closed_at=MAX_TIME))
        )
        nursery.cancel_scope.cancel()

    assert isinstance(foreign, NotSigned)
    assert isinstance(stranger, NotSigned)
    assert 0 == signer.asked


@pytest.mark.expect_errors
async def test_another_keys_signature_is_not_attached(autojump_clock):
    signer = KeyService()
    signer.key = keypair("seller")
    vault = vault_with(signer)
    async with trio.open_nursery() as nursery:
        await nursery.start(vault.run)
        answer = await vault.address.ask(asked_for())
        nursery.cancel_scope.cancel()

    assert isinstance(answer, NotSigned)
    assert "does not verify" in answer.reason


@pytest.mark.parametrize("trouble", ["away", "silent"])
async def test_a_signer_that_does_not_answer_is_a_refusal_that_may_be_repeated(
    autojump_clock, trouble
):
    signer = KeyService(LATENCY_S if trouble == "away" else 10 * SIGNER_DEADLINE_S)
    if trouble == "away":
        signer.failure = SignerUnavailable()
    vault = vault_with(signer)
    async with trio.open_nursery() as nursery:
        await nursery.start(vault.run)
        for message in (asked_for(), MakeKeypair("wal_2")):
            with pytest.raises(DomainError) as refused:
                await vault.address.ask(message)
            assert ErrorCode.SERVICE_UNAVAILABLE is refused.value.code
        signer.failure, signer.latency_s = None, LATENCY_S
        # Every place is free again.
        answers = await answers_of(vault, SIGNING_MAX)
        nursery.cancel_scope.cancel()

    assert all(isinstance(answer, SignedEnvelope) for answer in answers)
    assert SIGNING_MAX == signer.most


async def test_the_local_signer_knows_its_own_mark_alone():
    random_bytes = bytes_from("marks")
    local = LocalSigner(KeyRing(ENCRYPTION_KEY, random_bytes), random_bytes)
    other = LocalSigner(KeyRing(ENCRYPTION_KEY[::-1], random_bytes), random_bytes)

    await local.recognise(await local.mark())
    with pytest.raises(CannotSign):
        await local.recognise(await other.mark())
