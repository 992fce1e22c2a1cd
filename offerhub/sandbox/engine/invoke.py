"""invoke_host_function: a contract call as an operation."""

import hashlib

from stellar_sdk import xdr

from offerhub.sandbox.engine.codes import Refused
from offerhub.sandbox.engine.context import ApplyContext, OperationEffects
from offerhub.sandbox.engine.contracts import ContractTrap
from offerhub.sandbox.engine.host import EngineHost, invoke_asset_contract
from offerhub.sandbox.engine.parsed import InvokeContract


def apply_invoke(context: ApplyContext, source: str, operation: InvokeContract) -> OperationEffects:
    """Run the call; a trap is `function_trapped` and the caller undoes the operation."""
    host = EngineHost(context, operation, source)
    try:
        value = run_call(context, host, operation, source)
    except ContractTrap as trap:
        raise Refused("function_trapped") from trap
    packed = value.to_xdr_bytes()
    return OperationEffects(
        # The network hashes return value and events together; no client can check that without meta.
        payload=hashlib.sha256(packed).digest(),
        balance_changes=tuple(host.balance_changes),
        return_value=packed,
    )


def run_call(
    context: ApplyContext, host: EngineHost, operation: InvokeContract, source: str
) -> xdr.SCVal:
    """Give the call to the asset contract or to the runtime; raises ContractTrap."""
    network = context.network
    if operation.contract_id == network.usdc_contract:
        return invoke_asset_contract(host, operation.call, operation.contract_id)
    return network.runtime.invoke(host, operation.call, source)
