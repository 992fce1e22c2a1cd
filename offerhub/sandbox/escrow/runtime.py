"""The escrow contracts as the ledger executes them: the factory and what it deployed.

Each function decodes its arguments, lets `rules` decide, and then writes: the record first, the
transfers after it, in the rule's order. A trap anywhere leaves nothing; the engine undoes the rest.
"""

from collections.abc import Callable, Sequence

from attrs import frozen
from stellar_sdk import scval, xdr

from offerhub.sandbox.engine.contracts import ContractTrap, Host
from offerhub.sandbox.escrow import encoding, rules
from offerhub.sandbox.escrow.addresses import address_text, address_value
from offerhub.sandbox.escrow.contract_id import deployed_contract_id
from offerhub.sandbox.escrow.record import Escrow
from offerhub.sandbox.escrow.refusals import EscrowCode, EscrowRefused, HostRefused

DEPLOY_FUNCTION = "tw_new_single_release_escrow"
INITIALIZE_FUNCTION = "initialize_escrow"
HOST_ERROR = 0
"""Code of a trap that no contract numbered: the virtual machine stopped the call."""

Arguments = Sequence[xdr.SCVal]


class EscrowContracts:
    """A `ContractRuntime`: the factory at one address, every escrow at its derived one."""

    def __init__(self, *, factory: str, wasm_hash: str, usdc_contract: str) -> None:
        self._factory = factory
        self._wasm_hash = bytes.fromhex(wasm_hash)
        self._usdc_contract = usdc_contract

    def invoke(self, host: Host, call: xdr.InvokeContractArgs, source: str) -> xdr.SCVal:
        """Execute one call; see `ContractRuntime`. `source` matters through `Host.require_auth` only."""
        del source
        contract_id = address_text(call.contract_address)
        name = call.function_name.sc_symbol.decode("ascii", "replace")
        try:
            if contract_id == self._factory:
                return self._deploy(host, name, call.args)
            return self._call_escrow(host, contract_id, name, call.args)
        except EscrowRefused as refused:
            raise ContractTrap(contract_id, refused.code, str(refused)) from None
        except HostRefused as refused:
            raise ContractTrap(contract_id, HOST_ERROR, str(refused)) from None

    def _deploy(self, host: Host, name: str, arguments: Arguments) -> xdr.SCVal:
        if name != DEPLOY_FUNCTION:
            raise HostRefused("WasmVm, MissingValue")
        signer_, wasm_hash, salt, init_function, init_args, constructor_args = _take(arguments, 6)
        signer = encoding.address(signer_)
        if encoding.bytes32(wasm_hash) != self._wasm_hash:
            raise HostRefused("Storage, MissingValue")
        if encoding.symbol(init_function) != INITIALIZE_FUNCTION:
            raise HostRefused("WasmVm, MissingValue")
        _take(encoding.vector(constructor_args), 0)
        host.require_auth(signer)
        contract_id = deployed_contract_id(host.network_id, self._factory, encoding.bytes32(salt))
        if host.load(contract_id) is not None:
            raise HostRefused("Storage, ExistingValue")
        (record,) = _take(encoding.vector(init_args), 1)
        outcome = rules.initialize(None, encoding.escrow_from_scval(record))
        _write(host, contract_id, outcome)
        return address_value(contract_id)

    def _call_escrow(
        self, host: Host, contract_id: str, name: str, arguments: Arguments
    ) -> xdr.SCVal:
        stored = host.load(contract_id)
        if stored is None:
            raise EscrowRefused(EscrowCode.NOT_FOUND)
        function = _FUNCTIONS.get(name)
        if function is None:
            raise HostRefused("WasmVm, MissingValue")
        escrow = encoding.escrow_from_bytes(stored)
        if function in _MOVES_MONEY and escrow.trustline != self._usdc_contract:
            # The record names an asset contract that does not exist (docs/spec/trustless-work.md §3.1, first remark).
            raise HostRefused("Storage, MissingValue")
        outcome = function(_Call(host, contract_id, escrow), arguments)
        if outcome.escrow != escrow or outcome.payments:
            _write(host, contract_id, outcome)
        if function is _get_escrow:
            return encoding.escrow_to_scval(escrow)
        return scval.to_void()


@frozen
class _Call:
    host: Host
    contract_id: str
    escrow: Escrow

    @property
    def balance(self) -> int:
        return self.host.balance(self.contract_id)


_Function = Callable[[_Call, Arguments], rules.Outcome]


def _take(arguments: Arguments, count: int) -> Arguments:
    if len(arguments) != count:
        raise HostRefused("WasmVm, UnexpectedSize")
    return arguments


def _write(host: Host, contract_id: str, outcome: rules.Outcome) -> None:
    host.store(contract_id, encoding.escrow_to_bytes(outcome.escrow))
    for payment in outcome.payments:
        host.transfer(payment.source, payment.destination, payment.stroops)


def _fund(call: _Call, arguments: Arguments) -> rules.Outcome:
    signer_, expected, amount = _take(arguments, 3)
    signer = encoding.address(signer_)
    return rules.fund(
        call.escrow,
        contract_id=call.contract_id,
        signer=signer,
        signer_balance=call.host.balance(signer),
        expected=_expected(call.escrow, expected),
        amount=encoding.int128(amount),
        require_auth=call.host.require_auth,
    )


def _expected(stored: Escrow, value: xdr.SCVal) -> Escrow:
    """The record that the caller expects: nearly always the stored one, which is read already."""
    return (
        stored if value == encoding.escrow_to_scval(stored) else encoding.escrow_from_scval(value)
    )


def _change_milestone_status(call: _Call, arguments: Arguments) -> rules.Outcome:
    index, status, evidence, service_provider = _take(arguments, 4)
    return rules.change_milestone_status(
        call.escrow,
        index=encoding.int128(index),
        status=encoding.text(status),
        evidence=encoding.optional_text(evidence),
        service_provider=encoding.address(service_provider),
        require_auth=call.host.require_auth,
    )


def _approve_milestone(call: _Call, arguments: Arguments) -> rules.Outcome:
    index, approver = _take(arguments, 2)
    return rules.approve_milestone(
        call.escrow,
        index=encoding.int128(index),
        approver=encoding.address(approver),
        require_auth=call.host.require_auth,
    )


def _release_funds(call: _Call, arguments: Arguments) -> rules.Outcome:
    release_signer, fee_address = _take(arguments, 2)
    return rules.release_funds(
        call.escrow,
        contract_id=call.contract_id,
        contract_balance=call.balance,
        release_signer=encoding.address(release_signer),
        fee_address=encoding.address(fee_address),
        require_auth=call.host.require_auth,
    )


def _dispute_escrow(call: _Call, arguments: Arguments) -> rules.Outcome:
    (signer,) = _take(arguments, 1)
    return rules.dispute_escrow(
        call.escrow, signer=encoding.address(signer), require_auth=call.host.require_auth
    )


def _resolve_dispute(call: _Call, arguments: Arguments) -> rules.Outcome:
    dispute_resolver, fee_address, distributions = _take(arguments, 3)
    return rules.resolve_dispute(
        call.escrow,
        contract_id=call.contract_id,
        contract_balance=call.balance,
        dispute_resolver=encoding.address(dispute_resolver),
        fee_address=encoding.address(fee_address),
        distributions=encoding.distributions(distributions),
        require_auth=call.host.require_auth,
    )


def _withdraw_remaining_funds(call: _Call, arguments: Arguments) -> rules.Outcome:
    dispute_resolver, fee_address, distributions = _take(arguments, 3)
    return rules.withdraw_remaining_funds(
        call.escrow,
        contract_id=call.contract_id,
        contract_balance=call.balance,
        dispute_resolver=encoding.address(dispute_resolver),
        fee_address=encoding.address(fee_address),
        distributions=encoding.distributions(distributions),
        require_auth=call.host.require_auth,
    )


def _get_escrow(call: _Call, arguments: Arguments) -> rules.Outcome:
    _take(arguments, 0)
    return rules.Outcome(call.escrow)


def _extend_contract_ttl(call: _Call, arguments: Arguments) -> rules.Outcome:
    platform, _ledgers = _take(arguments, 2)
    rules.require_platform(
        call.escrow, platform=encoding.address(platform), require_auth=call.host.require_auth
    )
    return rules.Outcome(call.escrow)


_FUNCTIONS: dict[str, _Function] = {
    "fund_escrow": _fund,
    "change_milestone_status": _change_milestone_status,
    "approve_milestone": _approve_milestone,
    "release_funds": _release_funds,
    "dispute_escrow": _dispute_escrow,
    "resolve_dispute": _resolve_dispute,
    "withdraw_remaining_funds": _withdraw_remaining_funds,
    "get_escrow": _get_escrow,
    "extend_contract_ttl": _extend_contract_ttl,
}

_MOVES_MONEY = frozenset({_fund, _release_funds, _resolve_dispute, _withdraw_remaining_funds})
