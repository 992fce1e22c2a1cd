"""Reading transaction envelopes: base64 XDR in, `ParsedTransaction` out, each envelope once."""

import base64
import hashlib
import struct
from functools import lru_cache
from typing import Final, TypeVar

import xdrlib3
from stellar_sdk import MuxedAccount, StrKey, xdr

from offerhub.sandbox.engine.entries import Asset
from offerhub.sandbox.engine.parsed import (
    AccountMerge,
    BeginSponsoring,
    Body,
    BumpSequence,
    ChangeTrust,
    CreateAccount,
    EndSponsoring,
    InvokeContract,
    ParsedOperation,
    ParsedTransaction,
    Party,
    PathPayment,
    Payment,
    Signature,
    Unsupported,
)

_T = TypeVar("_T")

_SHORT_CODE: Final = 4
_LONG_CODE: Final = 12


class MalformedEnvelope(Exception):
    """Not the base64 XDR of a transaction envelope."""


def parse_envelope(envelope_xdr: str, network_id: bytes) -> ParsedTransaction:
    """Read one envelope and compute its hash for this network.

    Raises MalformedEnvelope; version 0 and fee-bump envelopes, which the sandbox does not have, too.
    """
    try:
        raw = base64.b64decode(envelope_xdr, validate=True)
        envelope = xdr.TransactionEnvelope.from_xdr_bytes(raw)
    # xdrlib3 lets errors of struct, of enums and of a runaway recursion through as they come.
    except (ValueError, EOFError, xdrlib3.Error, struct.error, RecursionError, TypeError) as error:
        raise MalformedEnvelope(f"undecodable transaction envelope: {error}") from error
    if envelope.v1 is None:
        raise MalformedEnvelope(f"envelope type {envelope.type.name} is not supported here")
    transaction = envelope.v1.tx
    signatures = tuple(
        Signature(signature.hint.signature_hint, signature.signature.signature)
        for signature in envelope.v1.signatures
    )
    # What is signed is network id, envelope type and transaction; the envelope's own bytes begin with
    # just these two, so that nothing has to be packed again.
    tail = 4 + sum(8 + _padded(len(signature.signature)) for signature in signatures)
    payload = raw[: len(raw) - tail]
    digest = hashlib.sha256(network_id + payload).digest()
    source = _party(transaction.source_account)
    bounds = _Bounds(transaction.cond)
    soroban = transaction.ext.soroban_data
    return ParsedTransaction(
        hash=digest,
        hash_hex=digest.hex(),
        envelope_xdr=base64.b64encode(raw).decode(),
        source=source,
        sequence=transaction.seq_num.sequence_number.int64,
        fee=transaction.fee.uint32,
        operations=tuple(_operation(operation, source) for operation in transaction.operations),
        signatures=signatures,
        min_time=bounds.min_time,
        max_time=bounds.max_time,
        min_ledger=bounds.min_ledger,
        max_ledger=bounds.max_ledger,
        resource_fee=None if soroban is None else soroban.resource_fee.int64,
        unsupported=bounds.unsupported,
        record=_record(transaction, source, signatures, bounds),
    )


def _padded(length: int) -> int:
    return (length + 3) // 4 * 4


class _Bounds:
    """The preconditions that the sandbox knows; 0 for those that are not set."""

    def __init__(self, conditions: xdr.Preconditions) -> None:
        self.min_time = self.max_time = self.min_ledger = self.max_ledger = 0
        self.unsupported: str | None = None
        self.record: dict[str, object] = {}
        times = conditions.time_bounds
        if conditions.v2 is not None:
            times = conditions.v2.time_bounds
            ledgers = conditions.v2.ledger_bounds
            if ledgers is not None:
                self.min_ledger, self.max_ledger = (
                    ledgers.min_ledger.uint32,
                    ledgers.max_ledger.uint32,
                )
                self.record["ledgerbounds"] = {"min_ledger": self.min_ledger} | (
                    {"max_ledger": self.max_ledger} if self.max_ledger else {}
                )
            if (
                conditions.v2.min_seq_num is not None
                or conditions.v2.min_seq_age.duration.uint64
                or conditions.v2.min_seq_ledger_gap.uint32
                or conditions.v2.extra_signers
            ):
                self.unsupported = "sequence and signer preconditions"
        if times is not None:
            self.min_time = times.min_time.time_point.uint64
            self.max_time = times.max_time.time_point.uint64
            self.record["timebounds"] = {"min_time": str(self.min_time)} | (
                {"max_time": str(self.max_time)} if self.max_time else {}
            )


def _record(
    transaction: xdr.Transaction, source: Party, signatures: tuple[Signature, ...], bounds: _Bounds
) -> dict[str, object]:
    record = _memo(transaction.memo)
    record["signatures"] = [base64.b64encode(item.signature).decode() for item in signatures]
    if bounds.record:
        record["preconditions"] = bounds.record
    record.update(muxed_fields("account", source))
    record.update(muxed_fields("fee_account", source))
    return record


def _memo(memo: xdr.Memo) -> dict[str, object]:
    match memo.type:
        case xdr.MemoType.MEMO_TEXT:
            text = memo.text or b""
            return {
                "memo_type": "text",
                "memo": text.decode("utf-8", "replace"),
                "memo_bytes": base64.b64encode(text).decode(),
            }
        case xdr.MemoType.MEMO_ID:
            return {"memo_type": "id", "memo": str(_present(memo.id).uint64)}
        case xdr.MemoType.MEMO_HASH:
            return {
                "memo_type": "hash",
                "memo": base64.b64encode(_present(memo.hash).hash).decode(),
            }
        case xdr.MemoType.MEMO_RETURN:
            digest = _present(memo.ret_hash).hash
            return {"memo_type": "return", "memo": base64.b64encode(digest).decode()}
        case _:
            return {"memo_type": "none"}


def _operation(operation: xdr.Operation, default_source: Party) -> ParsedOperation:
    own = operation.source_account
    return ParsedOperation(
        source=default_source if own is None else _party(own),
        has_own_source=own is not None,
        body=_body(operation.body),
    )


def _body(body: xdr.OperationBody) -> Body:  # noqa: C901  (one case a type)
    match body.type:
        case xdr.OperationType.CREATE_ACCOUNT:
            create = _present(body.create_account_op)
            return CreateAccount(_account(create.destination), create.starting_balance.int64)
        case xdr.OperationType.PAYMENT:
            payment = _present(body.payment_op)
            return Payment(
                _party(payment.destination), asset_of(payment.asset), payment.amount.int64
            )
        case xdr.OperationType.PATH_PAYMENT_STRICT_RECEIVE:
            receive = _present(body.path_payment_strict_receive_op)
            return PathPayment(
                type_i=2,
                destination=_party(receive.destination),
                source_asset=asset_of(receive.send_asset),
                destination_asset=asset_of(receive.dest_asset),
                amount=receive.dest_amount.int64,
                bound=receive.send_max.int64,
                path=tuple(asset_of(asset) for asset in receive.path),
            )
        case xdr.OperationType.PATH_PAYMENT_STRICT_SEND:
            send = _present(body.path_payment_strict_send_op)
            return PathPayment(
                type_i=13,
                destination=_party(send.destination),
                source_asset=asset_of(send.send_asset),
                destination_asset=asset_of(send.dest_asset),
                amount=send.send_amount.int64,
                bound=send.dest_min.int64,
                path=tuple(asset_of(asset) for asset in send.path),
            )
        case xdr.OperationType.CHANGE_TRUST:
            trust = _present(body.change_trust_op)
            if trust.line.type is xdr.AssetType.ASSET_TYPE_POOL_SHARE:
                return Unsupported(body.type.value)
            return ChangeTrust(asset_of(trust.line), trust.limit.int64)
        case xdr.OperationType.ACCOUNT_MERGE:
            return AccountMerge(_party(_present(body.destination)))
        case xdr.OperationType.BUMP_SEQUENCE:
            return BumpSequence(_present(body.bump_sequence_op).bump_to.sequence_number.int64)
        case xdr.OperationType.BEGIN_SPONSORING_FUTURE_RESERVES:
            begin = _present(body.begin_sponsoring_future_reserves_op)
            return BeginSponsoring(_account(begin.sponsored_id))
        case xdr.OperationType.END_SPONSORING_FUTURE_RESERVES:
            return EndSponsoring()
        case xdr.OperationType.INVOKE_HOST_FUNCTION:
            invoke = _present(body.invoke_host_function_op)
            call = invoke.host_function.invoke_contract
            if call is None or call.contract_address.contract_id is None:
                return Unsupported(body.type.value)
            return InvokeContract(contract_of(call.contract_address), call, tuple(invoke.auth))
        case _:
            return Unsupported(body.type.value)


def asset_of(asset: xdr.Asset | xdr.ChangeTrustAsset) -> Asset | None:
    """Give the engine's asset, None for XLM."""
    if asset.alpha_num4 is not None:
        code = asset.alpha_num4.asset_code.asset_code4
        return _asset(code, _account(asset.alpha_num4.issuer))
    if asset.alpha_num12 is not None:
        code = asset.alpha_num12.asset_code.asset_code12
        return _asset(code, _account(asset.alpha_num12.issuer))
    return None


@lru_cache(1024)
def _asset(code: bytes, issuer: str) -> Asset:
    text = code.rstrip(b"\0").decode("ascii", "replace")
    # A short code in the long form is another asset to a careless reader and none to the network: an
    # empty code, which no operation accepts, keeps the two apart.
    return Asset("" if len(code) == _LONG_CODE and len(text) <= _SHORT_CODE else text, issuer)


@lru_cache(65536)
def address_of(key: bytes) -> str:
    """Give the G-address of a public key of 32 bytes."""
    return StrKey.encode_ed25519_public_key(key)


@lru_cache(65536)
def _contract(digest: bytes) -> str:
    return StrKey.encode_contract(digest)


def contract_of(address: xdr.SCAddress) -> str:
    """Give the strkey of a contract's address; raises MalformedEnvelope for any other kind."""
    return _contract(_present(address.contract_id).contract_id.hash)


def _account(account: xdr.AccountID) -> str:
    return address_of(_present(account.account_id.ed25519).uint256)


def _party(account: xdr.MuxedAccount) -> Party:
    if account.med25519 is not None:
        return Party(address_of(account.med25519.ed25519.uint256), account.med25519.id.uint64)
    return Party(address_of(_present(account.ed25519).uint256))


def address_in(value: xdr.SCAddress) -> str | None:
    """Give the G- or C-address of a contract argument; None for the kinds that hold no balance."""
    if value.account_id is not None:
        return _account(value.account_id)
    if value.contract_id is not None:
        return _contract(value.contract_id.contract_id.hash)
    return None


def muxed_fields(name: str, party: Party) -> dict[str, object]:
    """Give Horizon's `<name>_muxed` and `<name>_muxed_id`; nothing for a plain address."""
    if party.muxed_id is None:
        return {}
    muxed = MuxedAccount(party.address, party.muxed_id).account_muxed
    return {f"{name}_muxed": muxed, f"{name}_muxed_id": str(party.muxed_id)}


def _present(value: _T | None) -> _T:
    """Give a union's arm that its discriminant promises."""
    if value is None:
        raise MalformedEnvelope("a union without its arm")
    return value
