"""At rest each withdrawal has its payment on the chain, or none, as it ended."""

from collections import Counter

from attrs import define, field

from offerhub.domain.chain import ChainOperation, ChainStatus, Subject
from offerhub.domain.users import Wallet, WalletRole
from offerhub.domain.withdrawal import Withdrawal, WithdrawalStatus
from offerhub.sandbox.constants import ISSUER_ADDRESS
from storage.memory import MemoryDatabase
from tests.simulation.chain_history import operations
from tests.simulation.world import Universe


@define
class Withdrawals:
    """Compares withdrawals with the chain."""

    database: MemoryDatabase
    universe: Universe
    wrong: list[str] = field(factory=list)

    def check(self) -> list[str]:
        """Every claim that does not hold."""
        self._ends()
        self._payments()
        return self.wrong

    def _ends(self) -> None:
        engine = self.universe.sandbox.engine
        applied: Counter[str] = Counter()
        for operation in self.database.tables.of(ChainOperation).rows.values():
            if operation.subject is not Subject.WITHDRAWAL or operation.tx_hash is None:
                continue
            row = engine.transaction(operation.tx_hash)
            confirmed = row is not None and row.successful
            self._demand_equal(
                confirmed, operation.status is ChainStatus.CONFIRMED, f"the end of {operation.id}"
            )
            applied[operation.subject_id] += confirmed
        paid: Counter[str] = Counter()
        for withdrawal in self.database.tables.of(Withdrawal).rows.values():
            completed = withdrawal.status is WithdrawalStatus.COMPLETED
            self._demand_equal(
                int(completed), applied[withdrawal.id], f"payments of {withdrawal.id}"
            )
            if completed:
                paid[withdrawal.destination_ref] += withdrawal.amount.stroops
        ours = {each.public_key for each in self.database.tables.of(Wallet).rows.values()}
        for address, amount in paid.items():
            if address not in ours:
                self._demand_equal(amount, engine.usdc_balance(address), f"USDC of {address}")

    def _payments(self) -> None:
        """Each payment on the chain is its withdrawal's: destination, amount, asset and memo."""
        engine = self.universe.sandbox.engine
        tables = self.database.tables
        asset = {"asset_code": "USDC", "asset_issuer": ISSUER_ADDRESS}
        addresses = {
            each.user_id: each.public_key
            for each in tables.of(Wallet).rows.values()
            if each.role is not WalletRole.CHANNEL
        }
        for operation in tables.of(ChainOperation).rows.values():
            if operation.subject is not Subject.WITHDRAWAL or operation.tx_hash is None:
                continue
            row = engine.transaction(operation.tx_hash)
            if row is None or not row.successful:
                continue
            withdrawal = tables.of(Withdrawal).rows[operation.subject_id]
            self._demand_equal(
                withdrawal.destination_memo, row.record.get("memo"), f"memo of {withdrawal.id}"
            )
            expected = {
                "from": addresses[withdrawal.user_id],
                "to": withdrawal.destination_ref,
                "amount": withdrawal.amount.seven_places(),
                **asset,
            }
            paid = [
                {name: each.details.get(name) for name in expected}
                for each in operations(self.universe)
                if each.transaction is row
            ]
            self._demand_equal([expected], paid, f"the payment of {withdrawal.id}")

    def _demand_equal(self, expected: object, actual: object, claim: str) -> None:
        if expected != actual:
            self.wrong.append(f"{claim}: {expected} expected, {actual} found")
