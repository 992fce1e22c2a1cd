"""The unsigned envelope of a build, as real ones look when decoded (docs/spec/trustless-work.md §2.2)."""

from datetime import datetime

from attrs import frozen
from stellar_sdk import StrKey, xdr

from offerhub.sandbox.escrow.addresses import sc_address

INCLUSION_FEE_STROOPS = 1_000
RESOURCE_FEE_DEPLOY_STROOPS = 615_413
RESOURCE_FEE_CALL_STROOPS = 34_757
RESOURCE_FEE_RESOLVE_STROOPS = 41_518
"""As in the three envelopes of the real test network that docs/spec/trustless-work.md §2.2 decodes."""


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
            contract_address=sc_address(self.contract_id),
            function_name=xdr.SCSymbol(self.function.encode()),
            args=list(self.arguments),
        )


def unsigned_envelope(
    call: PlannedCall, *, sequence: int, usdc_contract: str, max_time: datetime
) -> str:
    """One `invokeHostFunction` without memo, valid until `max_time`, authorised by its source.

    `sequence` is the source account's present one; the envelope takes the next.
    """
    invocation = call.invocation()
    authorisation = xdr.SorobanAuthorizationEntry(
        credentials=xdr.SorobanCredentials(
            xdr.SorobanCredentialsType.SOROBAN_CREDENTIALS_SOURCE_ACCOUNT
        ),
        root_invocation=xdr.SorobanAuthorizedInvocation(
            function=xdr.SorobanAuthorizedFunction(
                xdr.SorobanAuthorizedFunctionType.SOROBAN_AUTHORIZED_FUNCTION_TYPE_CONTRACT_FN,
                contract_fn=invocation,
            ),
            sub_invocations=[],
        ),
    )
    operation = xdr.InvokeHostFunctionOp(
        host_function=xdr.HostFunction(
            xdr.HostFunctionType.HOST_FUNCTION_TYPE_INVOKE_CONTRACT, invoke_contract=invocation
        ),
        auth=[authorisation],
    )
    bounds = xdr.TimeBounds(
        min_time=xdr.TimePoint(xdr.Uint64(0)),
        max_time=xdr.TimePoint(xdr.Uint64(max(1, int(max_time.timestamp())))),
    )
    # Written as XDR at once: the library's builder would turn each part there and back, and a busy
    # sandbox does little else than this.
    transaction = xdr.Transaction(
        source_account=xdr.MuxedAccount(
            xdr.CryptoKeyType.KEY_TYPE_ED25519,
            ed25519=xdr.Uint256(StrKey.decode_ed25519_public_key(call.source)),
        ),
        fee=xdr.Uint32(INCLUSION_FEE_STROOPS + call.resource_fee_stroops),
        seq_num=xdr.SequenceNumber(xdr.Int64(sequence + 1)),
        cond=xdr.Preconditions(xdr.PreconditionType.PRECOND_TIME, time_bounds=bounds),
        memo=xdr.Memo(xdr.MemoType.MEMO_NONE),
        operations=[
            xdr.Operation(
                source_account=None,
                body=xdr.OperationBody(
                    xdr.OperationType.INVOKE_HOST_FUNCTION, invoke_host_function_op=operation
                ),
            )
        ],
        ext=xdr.TransactionExt(1, soroban_data=_soroban_data(call, usdc_contract)),
    )
    return xdr.TransactionEnvelope(
        xdr.EnvelopeType.ENVELOPE_TYPE_TX,
        v1=xdr.TransactionV1Envelope(tx=transaction, signatures=[]),
    ).to_xdr()


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
            contract=sc_address(contract_id),
            key=xdr.SCVal(xdr.SCValType.SCV_LEDGER_KEY_CONTRACT_INSTANCE),
            durability=xdr.ContractDataDurability.PERSISTENT,
        ),
    )
