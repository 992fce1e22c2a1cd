"""The check of a transaction against its intent, before any key signs it (docs/spec/domain.md §3).

Whoever built the transaction, it is signed only if every field that has a meaning is the one we asked for.
"""

from typing import assert_never

from stellar_sdk import StrKey, xdr

from offerhub.domain.intents import (
    ActivateWallets,
    ApproveMilestone,
    ChangeMilestoneStatus,
    DeployEscrow,
    DisputeEscrow,
    EscrowIntent,
    FundEscrow,
    Intent,
    OpenChannels,
    OwnIntent,
    PayUsdc,
    RefillWallets,
    ReleaseFunds,
    ResolveDispute,
    SettleDues,
    TrustUsdc,
)
from offerhub.providers.stellar.build import memo_of, operations_of
from offerhub.providers.stellar.envelope import (
    CheckedTransaction,
    ForeignTransaction,
    StaleTransaction,
    contract_call,
    contract_id_made_by,
    moment,
    read_unsigned,
    transaction_hash,
)
from offerhub.providers.stellar.escrow_calls import ExpectedCall, expected_call, matches
from offerhub.providers.stellar.port import NetworkState
from offerhub.providers.stellar.rules import SigningRules


def check_transaction(
    envelope_xdr: str,
    intent: Intent,
    rules: SigningRules,
    *,
    sequence: int,
    network: NetworkState,
) -> CheckedTransaction:
    """Compare an unsigned envelope with what was asked for.

    Args:
        sequence: the source's next sequence number, its last one plus one.
        network: a fresh state; its close time is the clock for the time bounds.

    Raises: `ForeignTransaction`, saying what differs.
    """
    if network.passphrase != rules.passphrase:
        msg = "the server belongs to a different network"
        raise ForeignTransaction(msg)
    envelope = read_unsigned(envelope_xdr)
    transaction = envelope.transaction
    _check_source(transaction, intent.source)
    if transaction.seq_num.sequence_number.int64 != sequence:
        msg = "its sequence number is not the source's next one"
        raise ForeignTransaction(msg)
    max_time = _check_time(transaction, rules, network)
    fee = transaction.fee.uint32
    if fee > rules.fee_max.stroops:
        msg = f"its fee of {fee} stroops exceeds the limit"
        raise ForeignTransaction(msg)
    match intent:
        case (
            DeployEscrow()
            | FundEscrow()
            | ChangeMilestoneStatus()
            | ApproveMilestone()
            | ReleaseFunds()
            | DisputeEscrow()
            | ResolveDispute()
        ):
            _check_escrow_call(transaction, intent, rules)
        case (
            PayUsdc()
            | ActivateWallets()
            | RefillWallets()
            | SettleDues()
            | OpenChannels()
            | TrustUsdc()
        ):
            _check_own(transaction, intent, rules)
        case _:
            assert_never(intent)
    return CheckedTransaction(
        body=envelope.body,
        hash=transaction_hash(envelope.body, rules.network_id),
        source=intent.source,
        sequence=sequence,
        max_time=moment(max_time),
        fee_stroops=fee,
        signers=intent.signers,
        intent=intent,
        contract_id=contract_id_made_by(transaction, rules.network_id)
        if isinstance(intent, DeployEscrow)
        else None,
    )


def _check_source(transaction: xdr.Transaction, source: str) -> None:
    if not _is_account(transaction.source_account, source):
        msg = "its source is a different account"
        raise ForeignTransaction(msg)


def _is_account(account: xdr.MuxedAccount, address: str) -> bool:
    """A muxed form of the same account is another one: nobody asked for it."""
    return (
        account.type == xdr.CryptoKeyType.KEY_TYPE_ED25519
        and account.ed25519 is not None
        and account.ed25519.uint256 == StrKey.decode_ed25519_public_key(address)
    )


def _check_time(transaction: xdr.Transaction, rules: SigningRules, network: NetworkState) -> int:
    conditions = transaction.cond
    if conditions.type == xdr.PreconditionType.PRECOND_NONE:
        msg = "it has no time bounds"
        raise ForeignTransaction(msg)
    if conditions.type != xdr.PreconditionType.PRECOND_TIME or conditions.time_bounds is None:
        msg = "it has preconditions other than time bounds"
        raise ForeignTransaction(msg)
    if conditions.time_bounds.min_time.time_point.uint64 != 0:
        msg = "it is not valid yet"
        raise ForeignTransaction(msg)
    max_time = conditions.time_bounds.max_time.time_point.uint64
    if max_time == 0:
        msg = "it never expires"
        raise ForeignTransaction(msg)
    remaining_s = max_time - network.latest_closed_at.timestamp()
    if remaining_s > rules.lifetime_max_s:
        msg = "its time bounds end later than allowed"
        raise ForeignTransaction(msg)
    if remaining_s < rules.lifetime_min_s:
        msg = "it is about to expire"
        raise StaleTransaction(msg)
    return max_time


def _check_own(transaction: xdr.Transaction, intent: OwnIntent, rules: SigningRules) -> None:
    if transaction.memo != memo_of(intent).to_xdr_object():
        msg = "its memo differs"
        raise ForeignTransaction(msg)
    expected = [operation.to_xdr_object() for operation in operations_of(intent, rules.usdc)]
    if len(transaction.operations) != len(expected):
        msg = "it has a different number of operations"
        raise ForeignTransaction(msg)
    for position, (found, wanted) in enumerate(zip(transaction.operations, expected, strict=True)):
        if found != wanted:
            msg = f"operation {position} differs"
            raise ForeignTransaction(msg)
    if transaction.ext.v != 0:
        msg = "it carries contract data"
        raise ForeignTransaction(msg)


def _check_escrow_call(
    transaction: xdr.Transaction, intent: EscrowIntent, rules: SigningRules
) -> None:
    if transaction.memo.type != xdr.MemoType.MEMO_NONE:
        msg = "it has a memo that the intent does not"
        raise ForeignTransaction(msg)
    call = contract_call(transaction)
    if call is None:
        msg = "it is not one contract call"
        raise ForeignTransaction(msg)
    operation = transaction.operations[0]
    if operation.source_account is not None and not _is_account(
        operation.source_account, intent.source
    ):
        msg = "its operation has a different source"
        raise ForeignTransaction(msg)
    expected = expected_call(intent, rules)
    difference = matches(call, expected)
    if difference is not None:
        raise ForeignTransaction(difference)
    invoke = operation.body.invoke_host_function_op
    _check_authorisation(invoke.auth if invoke is not None else [], call, expected)


def _check_authorisation(
    entries: list[xdr.SorobanAuthorizationEntry],
    call: xdr.InvokeContractArgs,
    expected: ExpectedCall,
) -> None:
    """One entry by the source's own signature, for this call and at most the expected transfer below it."""
    if len(entries) != 1:
        msg = "it does not authorise exactly one call"
        raise ForeignTransaction(msg)
    if entries[0].credentials.type != xdr.SorobanCredentialsType.SOROBAN_CREDENTIALS_SOURCE_ACCOUNT:
        msg = "it is authorised by something other than the source's signature"
        raise ForeignTransaction(msg)
    root = entries[0].root_invocation
    if root.function.contract_fn != call:
        msg = "it authorises a call other than the one it makes"
        raise ForeignTransaction(msg)
    below = root.sub_invocations
    if len(below) > (0 if expected.transfer is None else 1):
        msg = "it authorises calls below the expected call"
        raise ForeignTransaction(msg)
    for invocation in below:
        if invocation.function.contract_fn != expected.transfer or invocation.sub_invocations:
            msg = "it authorises a transfer other than the expected one"
            raise ForeignTransaction(msg)
