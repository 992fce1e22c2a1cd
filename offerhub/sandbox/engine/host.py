"""The ledger as a contract sees it, and USDC's asset contract (SAC), which the engine plays itself."""

from typing import Final

from attrs import evolve
from stellar_sdk import scval, xdr

from offerhub.sandbox.engine.context import ApplyContext
from offerhub.sandbox.engine.contracts import (
    SAC_BALANCE,
    SAC_NEGATIVE_AMOUNT,
    SAC_TRUSTLINE_MISSING,
    ContractTrap,
)
from offerhub.sandbox.engine.envelope import address_in
from offerhub.sandbox.engine.parsed import InvokeContract
from offerhub.sandbox.engine.rows import BalanceChange

_AUTH_MISSING: Final = 0
_UNKNOWN_FUNCTION: Final = 0


class EngineHost:
    """Implements `contracts.Host` for one call; the caller undoes the state if the call traps."""

    def __init__(
        self,
        context: ApplyContext,
        operation: InvokeContract,
        source: str,
        *,
        recording: bool = False,
    ) -> None:
        self._context = context
        self._operation = operation
        self._source = source
        self._recording = recording
        self.balance_changes: list[BalanceChange] = []

    @property
    def network_id(self) -> bytes:
        return self._context.network.network_id

    @property
    def ledger_sequence(self) -> int:
        return self._context.ledger

    @property
    def ledger_time(self) -> int:
        return self._context.ledger_time

    def load(self, contract_id: str) -> bytes | None:
        return self._context.state.contracts.get(contract_id)

    def store(self, contract_id: str, data: bytes) -> None:
        self._context.state.contracts.put(contract_id, data)

    def balance(self, address: str) -> int:
        if address.startswith("C"):
            return self._context.state.contract_balances.get(address) or 0
        line = self._context.state.trustline(address, self._context.network.usdc)
        return 0 if line is None else line.balance

    def transfer(self, source: str, destination: str, amount: int) -> None:
        if amount < 0:
            raise self._token_trap(SAC_NEGATIVE_AMOUNT, "negative amount is not allowed")
        issuer = self._context.network.usdc.issuer
        if source != issuer:
            self._spend(source, amount)
        if destination != issuer:
            self._receive(destination, amount)
        kind = "mint" if source == issuer else "burn" if destination == issuer else "transfer"
        self.balance_changes.append(
            BalanceChange(
                type=kind,
                source=None if kind == "mint" else source,
                destination=None if kind == "burn" else destination,
                amount=amount,
            )
        )

    def require_auth(self, address: str) -> None:
        if self._recording or address == self._operation.contract_id:
            return
        if address == self._source and any(map(self._authorises, self._operation.auth)):
            return
        message = f"auth: {address} did not authorise this call"
        raise ContractTrap(self._operation.contract_id, _AUTH_MISSING, message)

    def _authorises(self, entry: xdr.SorobanAuthorizationEntry) -> bool:
        source = xdr.SorobanCredentialsType.SOROBAN_CREDENTIALS_SOURCE_ACCOUNT
        root = entry.root_invocation.function.contract_fn
        return entry.credentials.type is source and root == self._operation.call

    def _spend(self, address: str, amount: int) -> None:
        state = self._context.state
        if address.startswith("C"):
            balance = state.contract_balances.get(address) or 0
            if balance < amount:
                raise self._token_trap(SAC_BALANCE, "balance is not sufficient to spend")
            state.contract_balances.put(address, balance - amount)
            return
        line = state.trustline(address, self._context.network.usdc)
        if line is None:
            raise self._token_trap(SAC_TRUSTLINE_MISSING, "trustline entry is missing for account")
        if line.balance < amount:
            raise self._token_trap(SAC_BALANCE, "resulting balance is not within the allowed range")
        state.put_trustline(evolve(line, balance=line.balance - amount))

    def _receive(self, address: str, amount: int) -> None:
        state = self._context.state
        if address.startswith("C"):
            balance = state.contract_balances.get(address) or 0
            state.contract_balances.put(address, balance + amount)
            return
        line = state.trustline(address, self._context.network.usdc)
        if line is None:
            raise self._token_trap(SAC_TRUSTLINE_MISSING, "trustline entry is missing for account")
        if line.balance > line.limit - amount:
            raise self._token_trap(SAC_BALANCE, "resulting balance is not within the allowed range")
        state.put_trustline(evolve(line, balance=line.balance + amount))

    def _token_trap(self, code: int, message: str) -> ContractTrap:
        return ContractTrap(self._context.network.usdc_contract, code, message, token=True)


def invoke_asset_contract(
    host: EngineHost, call: xdr.InvokeContractArgs, contract_id: str
) -> xdr.SCVal:
    """Execute a call to USDC's asset contract: `transfer(from, to, amount)` or `balance(id)`."""
    name = call.function_name.sc_symbol
    addresses = [address_in(arg.address) for arg in call.args if arg.address is not None]
    match name, addresses:
        case b"balance", [str(address)] if len(call.args) == 1:
            return scval.to_int128(host.balance(address))
        case b"transfer", [str(source), str(destination)] if (
            len(call.args) == 3 and call.args[2].i128
        ):
            host.require_auth(source)
            host.transfer(source, destination, scval.from_int128(call.args[2]))
            return scval.to_void()
        case _:
            message = f"no function {name.decode(errors='replace')} with these arguments"
            raise ContractTrap(contract_id, _UNKNOWN_FUNCTION, message, token=True)
