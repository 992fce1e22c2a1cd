"""A sandbox in memory with a buyer, a seller and a platform, and the shortest way through an escrow."""

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import trio
from attrs import frozen
from stellar_sdk import Account, Keypair, Operation, TransactionBuilder, TransactionEnvelope
from stellar_sdk.operation import ChangeTrust, CreateAccount

from offerhub.sandbox import constants
from offerhub.sandbox.app import DEFAULT_FACE_SETTINGS, Sandbox
from offerhub.sandbox.escrow.face import FaceSettings
from offerhub.sandbox.transport import SandboxTransport

START = datetime(2026, 11, 22, tzinfo=UTC)
LEDGER_SECONDS = 1.0


def keypair(name: str) -> Keypair:
    return Keypair.from_raw_ed25519_seed(hashlib.sha256(f"market {name}".encode()).digest())


BUYER, SELLER, PLATFORM = map(keypair, ("buyer", "seller", "platform"))


def mock_time() -> datetime:
    return START + timedelta(seconds=trio.current_time())


def seeded_bytes(seed: str) -> Callable[[int], bytes]:
    numbers = count()
    return lambda size: hashlib.shake_256(f"{seed} {next(numbers)}".encode()).digest(size)


@frozen
class Market:
    sandbox: Sandbox
    http: httpx.AsyncClient

    async def post(self, path: str, body: object, status: int = 201) -> dict:
        response = await self.http.post(path, json=body)
        assert status == response.status_code, response.text
        return response.json()

    def classic(
        self, source: Keypair, operations: Sequence[Operation], *signers: Keypair
    ) -> TransactionEnvelope:
        """A signed transaction that needs no contract."""
        account = self.sandbox.engine.account(source.public_key)
        assert account is not None
        builder = TransactionBuilder(
            Account(account.address, account.sequence), constants.SANDBOX_PASSPHRASE, base_fee=100
        )
        for operation in operations:
            builder.append_operation(operation)
        builder.add_time_bounds(0, int(mock_time().timestamp()) + 60)
        envelope = builder.build()
        for signer in (source, *signers):
            envelope.sign(signer)
        return envelope

    def apply(self, source: Keypair, operations: Sequence[Operation], *signers: Keypair) -> None:
        """Put a classic transaction into a ledger of its own."""
        envelope = self.classic(source, operations, *signers)
        self.sandbox.engine.submit(envelope.to_xdr(), mock_time())
        self.sandbox.ledgers.close_now()
        row = self.sandbox.engine.transaction(envelope.hash_hex())
        assert row is not None
        assert row.successful, row.operation_codes

    def open_account(self, keys: Keypair, *, trusting: bool = True) -> None:
        operations: list[Operation] = [CreateAccount(keys.public_key, "100")]
        if trusting:
            operations.append(ChangeTrust(constants.USDC_ASSET, source=keys.public_key))
        self.apply(constants.FRIENDBOT_KEYPAIR, operations, *([keys] if trusting else []))

    async def faucet(self, keys: Keypair, amount: str) -> dict:
        body = {"address": keys.public_key, "amount": amount}
        return await self.post("/faucet", body, 200)

    async def build(self, path: str, body: object) -> TransactionEnvelope:
        answer = await self.post(path, body)
        assert "SUCCESS" == answer["status"]
        return TransactionEnvelope.from_xdr(
            answer["unsignedTransaction"], constants.SANDBOX_PASSPHRASE
        )

    async def send(self, envelope: TransactionEnvelope, status: int = 201) -> dict:
        body = {"signedXdr": envelope.to_xdr()}
        return await self.post("/helper/send-transaction", body, status)

    async def act(self, path: str, body: object, signer: Keypair) -> dict:
        envelope = await self.build(path, body)
        envelope.sign(signer)
        return await self.send(envelope)

    async def deploy(self, **changes: object) -> str:
        answer = await self.act("/deployer/single-release", deploy_body(**changes), BUYER)
        return answer["contractId"]

    async def fund(self, contract_id: str, amount: object = 80) -> dict:
        body = {"contractId": contract_id, "signer": BUYER.public_key, "amount": amount}
        return await self.act("/escrow/single-release/fund-escrow", body, BUYER)

    async def approve(self, contract_id: str, index: str = "0") -> dict:
        body = {
            "contractId": contract_id,
            "milestoneIndex": index,
            "approver": BUYER.public_key,
        }
        return await self.act("/escrow/single-release/approve-milestone", body, BUYER)

    def usdc(self, address: str) -> int | None:
        return self.sandbox.engine.usdc_balance(address)


def deploy_body(**changes: object) -> dict[str, Any]:
    buyer, seller, platform = BUYER.public_key, SELLER.public_key, PLATFORM.public_key
    body: dict[str, Any] = {
        "signer": buyer,
        "engagementId": "ord_1",
        "title": "A logo",
        "description": "Three drafts",
        "roles": {
            "approver": buyer,
            "serviceProvider": seller,
            "platformAddress": platform,
            "releaseSigner": buyer,
            "disputeResolver": platform,
            "receiver": seller,
        },
        "amount": 80,
        "platformFee": 0,
        "milestones": [{"description": "all of it"}],
        "trustline": {"address": constants.ISSUER_ADDRESS, "symbol": "USDC"},
    }
    return body | changes


@asynccontextmanager
async def open_market(
    settings: FaceSettings = DEFAULT_FACE_SETTINGS, path: Path | None = None
) -> AsyncIterator[Market]:
    """Ledgers close every second of the mock clock; all three parties exist and trust USDC."""
    with Sandbox(
        database_path=path,
        clock=mock_time,
        random_bytes=seeded_bytes("market"),
        face_settings=settings,
    ) as sandbox:
        async with (
            httpx.AsyncClient(
                transport=SandboxTransport(sandbox.handle),
                base_url="http://sandbox",
                headers={"x-api-key": constants.TRUSTLESS_WORK_API_KEY},
                timeout=None,
            ) as http,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(sandbox.close_ledgers, LEDGER_SECONDS)
            market = Market(sandbox, http)
            for keys in (BUYER, SELLER, PLATFORM):
                if sandbox.engine.account(keys.public_key) is None:
                    market.open_account(keys)
            yield market
            nursery.cancel_scope.cancel()
