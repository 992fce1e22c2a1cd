"""A small network for tests: one engine without contracts, and the shortest way to a signed envelope."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from stellar_sdk import Account, Asset, Keypair, Operation, TransactionBuilder, xdr

from offerhub.sandbox.engine import (
    ClosedLedger,
    ContractRuntime,
    ContractTrap,
    Engine,
    Host,
    Rejected,
    Submission,
    Submitted,
    TransactionRow,
)
from offerhub.sandbox.engine.envelope import contract_of

PASSPHRASE = "Sandbox of the engine's tests"
START = datetime(2026, 1, 1, tzinfo=UTC)
XLM = 10_000_000


def keypair(name: str) -> Keypair:
    return Keypair.from_raw_ed25519_seed(sha256(f"test {name}".encode()).digest())


FRIENDBOT = keypair("friendbot")
ISSUER = keypair("issuer")
USDC = Asset("USDC", ISSUER.public_key)


class NoContracts:
    def invoke(self, host: Host, call: xdr.InvokeContractArgs, source: str) -> xdr.SCVal:
        raise ContractTrap(contract_of(call.contract_address), 0, "no contracts on this network")


class Chain:
    """An engine with a clock of its own: a second passes with each ledger."""

    def __init__(
        self,
        runtime: ContractRuntime | None = None,
        path: Path | None = None,
        ledger_seconds: float = 1.0,
    ) -> None:
        self.now = START
        self.engine = Engine(
            passphrase=PASSPHRASE,
            friendbot=FRIENDBOT.public_key,
            issuer=ISSUER.public_key,
            runtime=runtime or NoContracts(),
            genesis_time=START,
            ledger_seconds=ledger_seconds,
            path=path,
        )

    def builder(self, source: Keypair, *, fee: int = 100, ahead: int = 0) -> TransactionBuilder:
        entry = self.engine.account(source.public_key)
        sequence = 0 if entry is None else entry.sequence
        return TransactionBuilder(Account(source.public_key, sequence + ahead), PASSPHRASE, fee)

    def envelope(
        self,
        source: Keypair,
        operations: Sequence[Operation],
        signers: Sequence[Keypair] | None = None,
        *,
        fee: int = 100,
        ahead: int = 0,
        max_time: int | None = None,
    ) -> str:
        builder = self.builder(source, fee=fee, ahead=ahead)
        for operation in operations:
            builder.append_operation(operation)
        builder.add_time_bounds(0, int(self.now.timestamp()) + 60 if max_time is None else max_time)
        transaction = builder.build()
        for signer in signers if signers is not None else (source,):
            transaction.sign(signer)
        return transaction.to_xdr()

    def submit(self, envelope: str) -> Submission:
        return self.engine.submit(envelope, self.now)

    def close(self) -> ClosedLedger:
        self.now += timedelta(seconds=1)
        return self.engine.close_ledger(self.now)

    def apply(
        self,
        source: Keypair,
        operations: Sequence[Operation],
        signers: Sequence[Keypair] | None = None,
    ) -> TransactionRow:
        """Submit, close a ledger and give the transaction, which must have been included."""
        submitted = self.submit(self.envelope(source, operations, signers))
        assert isinstance(submitted, Submitted), submitted
        self.close()
        row = self.engine.transaction(submitted.hash)
        assert row is not None
        return row

    def refuse(
        self,
        source: Keypair,
        operations: Sequence[Operation],
        signers: Sequence[Keypair] | None = None,
    ) -> Rejected:
        rejected = self.submit(self.envelope(source, operations, signers))
        assert isinstance(rejected, Rejected), rejected
        return rejected

    def balance(self, of: Keypair) -> int:
        account = self.engine.account(of.public_key)
        assert account is not None
        return account.balance
