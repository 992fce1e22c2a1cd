"""The unsigned envelope of a build, as real ones look when decoded (trustless-work.md §2.2)."""

from datetime import datetime

from attrs import frozen
from stellar_sdk import Account, Address, TransactionBuilder, xdr

INCLUSION_FEE_STROOPS = 1_000
RESOURCE_FEE_DEPLOY_STROOPS = 615_413
RESOURCE_FEE_CALL_STROOPS = 34_757
RESOURCE_FEE_RESOLVE_STROOPS = 41_518
"""As in the three envelopes of the real test network that trustless-work.md §2.2 decodes."""


@frozen
class PlannedCall:
    """One contract call and the account that signs and pays for it."""

    source: str
    contract_id: str
    function: str
    arguments: tuple[xdr.SCVal, ...]
    resource_fee_stroops: int = RESOURCE_FEE_CALL_STROOPS

    def invocation(self) -> xdr.InvokeContractArgs:
        """The call itself, as the contract runtime takes it."""
        return xdr.InvokeContractArgs(
            contract_address=Address(self.contract_id).to_xdr_sc_address(),
            function_name=xdr.SCSymbol(self.function.encode()),
            args=list(self.arguments),
        )


def unsigned_envelope(
    call: PlannedCall, *, sequence: int, passphrase: str, usdc_contract: str, max_time: datetime
) -> str:
    """One `invokeHostFunction` without memo, valid until `max_time`, authorised by its source.

    `sequence` is the source account's present one; the envelope takes the next.
    """
    authorisation = xdr.SorobanAuthorizationEntry(
        credentials=xdr.SorobanCredentials(
            xdr.SorobanCredentialsType.SOROBAN_CREDENTIALS_SOURCE_ACCOUNT
        ),
        root_invocation=xdr.SorobanAuthorizedInvocation(
            function=xdr.SorobanAuthorizedFunction(
                xdr.SorobanAuthorizedFunctionType.SOROBAN_AUTHORIZED_FUNCTION_TYPE_CONTRACT_FN,
                contract_fn=call.invocation(),
            ),
            sub_invocations=[],
        ),
    )
    builder = TransactionBuilder(
        Account(call.source, sequence), passphrase, base_fee=INCLUSION_FEE_STROOPS
    )
    builder.append_invoke_contract_function_op(
        call.contract_id, call.function, list(call.arguments), auth=[authorisation]
    )
    builder.add_time_bounds(0, max(1, int(max_time.timestamp())))
    builder.set_soroban_data(_soroban_data(call, usdc_contract))
    envelope = builder.build()
    envelope.transaction.fee = INCLUSION_FEE_STROOPS + call.resource_fee_stroops
    return envelope.to_xdr()


def _soroban_data(call: PlannedCall, usdc_contract: str) -> xdr.SorobanTransactionData:
    """Plausible resources: nobody meters the sandbox, but a reader of the envelope finds them."""
    return xdr.SorobanTransactionData(
        ext=xdr.SorobanTransactionDataExt(0),
        resources=xdr.SorobanResources(
            footprint=xdr.LedgerFootprint(
                read_only=[_instance(usdc_contract)], read_write=[_instance(call.contract_id)]
            ),
            instructions=xdr.Uint32(2_500_000),
            disk_read_bytes=xdr.Uint32(2_000),
            write_bytes=xdr.Uint32(2_000),
        ),
        resource_fee=xdr.Int64(call.resource_fee_stroops),
    )


def _instance(contract_id: str) -> xdr.LedgerKey:
    return xdr.LedgerKey(
        xdr.LedgerEntryType.CONTRACT_DATA,
        contract_data=xdr.LedgerKeyContractData(
            contract=Address(contract_id).to_xdr_sc_address(),
            key=xdr.SCVal(xdr.SCValType.SCV_LEDGER_KEY_CONTRACT_INSTANCE),
            durability=xdr.ContractDataDurability.PERSISTENT,
        ),
    )
