"""Envelopes as bytes: read once, hashed, signed.

stellar-sdk's XDR is slow in Python, so an envelope is parsed once, its hash is taken from the bytes that came,
and signatures are appended to those bytes.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from attrs import field, frozen
from stellar_sdk import Address, Keypair, StrKey, xdr
from stellar_sdk.exceptions import BadSignatureError

from offerhub.domain.intents import Intent

_TAG = xdr.EnvelopeType.ENVELOPE_TYPE_TX.to_xdr_bytes()
_NO_SIGNATURES = b"\x00\x00\x00\x00"
_SIGNATURES_MAX = 20
_SIGNATURE_BYTES = 72
"""A decorated signature of a key pair: a hint of 4, a length of 4, 64 bytes."""
_PLAIN_KEY = xdr.CryptoKeyType.KEY_TYPE_ED25519.to_xdr_bytes()
_BODY_MIN = 64
"""No transaction is as short."""
_FEE_BUMP_TAG = xdr.EnvelopeType.ENVELOPE_TYPE_TX_FEE_BUMP.to_xdr_bytes()


class ForeignTransaction(Exception):
    """The transaction is not the one that was asked for: it gets no signature (`PROVIDER_ERROR`)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class StaleTransaction(ForeignTransaction):
    """What was asked for, but about to expire: built anew it may be signed."""


@frozen
class UnsignedEnvelope:
    """A well-formed envelope of one plain transaction without a signature; its content is still unchecked."""

    body: bytes = field(repr=False)
    """The transaction's own XDR."""
    transaction: xdr.Transaction = field(repr=False, eq=False)


@frozen
class CheckedTransaction:
    """A transaction that was compared with its intent and may be signed."""

    body: bytes = field(repr=False)
    hash: str
    """64 lower-case hex digits: the name of the outcome."""
    source: str
    sequence: int
    max_time: datetime
    """The envelope is dead once a ledger has closed after this without it (docs/spec/stellar-horizon.md §5.3)."""
    fee_stroops: int
    signers: tuple[str, ...]
    intent: Intent = field(repr=False)
    contract_id: str | None = None
    """The escrow that a deployment makes, known before it is sent."""


def read_unsigned(envelope_xdr: str) -> UnsignedEnvelope:
    """Read an envelope and refuse what is no plain unsigned transaction. Raises `ForeignTransaction`."""
    raw = _bytes_of(envelope_xdr)
    if raw[:4] != _TAG:
        msg = "not a plain transaction (fee bumps and old envelopes are not signed)"
        raise ForeignTransaction(msg)
    envelope = _decode(raw)
    if envelope.to_xdr_bytes() != raw or envelope.v1 is None:
        msg = "the envelope carries more than its content"
        raise ForeignTransaction(msg)
    if envelope.v1.signatures:
        msg = "it already carries a signature"
        raise ForeignTransaction(msg)
    return UnsignedEnvelope(body=raw[4:-4], transaction=envelope.v1.tx)


def unsigned_xdr(transaction: xdr.Transaction) -> str:
    """The envelope around a transaction, base64, with no signature."""
    return base64.b64encode(_TAG + transaction.to_xdr_bytes() + _NO_SIGNATURES).decode()


def transaction_hash(body: bytes, network_id: bytes) -> str:
    """What is signed and what the network knows the transaction by (docs/spec/stellar-horizon.md §9)."""
    return hashlib.sha256(network_id + _TAG + body).hexdigest()


def attach(checked: CheckedTransaction, signatures: Mapping[str, bytes]) -> str:
    """The envelope, base64, with exactly the signatures that the intent names, each one verified.

    Args:
        signatures: 64 bytes over the transaction's hash, by address.

    Raises: `ForeignTransaction` if they are not those, or one does not verify.
    """
    if set(signatures) != set(checked.signers):
        msg = "the signatures are not those of the transaction's signers"
        raise ForeignTransaction(msg)
    if len(signatures) > _SIGNATURES_MAX:
        msg = f"a transaction carries at most {_SIGNATURES_MAX} signatures"
        raise ForeignTransaction(msg)
    digest = bytes.fromhex(checked.hash)
    decorated = []
    for address in checked.signers:
        keypair, signature = Keypair.from_public_key(address), signatures[address]
        try:
            keypair.verify(digest, signature)
        except BadSignatureError:
            msg = f"the signature of {address} does not verify"
            raise ForeignTransaction(msg) from None
        decorated.append(keypair.signature_hint() + len(signature).to_bytes(4) + signature)
    attached = len(decorated).to_bytes(4) + b"".join(decorated)
    return base64.b64encode(_TAG + checked.body + attached).decode()


def hash_of(envelope_xdr: str, network_id: bytes) -> str:
    """The hash of a plain transaction's envelope, signed or not. Raises `ForeignTransaction`."""
    envelope = _decode(_bytes_of(envelope_xdr))
    if envelope.v1 is None:
        msg = "not a plain transaction"
        raise ForeignTransaction(msg)
    return transaction_hash(envelope.v1.tx.to_xdr_bytes(), network_id)


@frozen
class IncludedTransaction:
    """What an included envelope says of itself; of a fee bump, what the inner transaction says."""

    source: str
    sequence: int
    inner_hash: str | None
    """Of the transaction inside a fee bump that somebody wrapped around it; `None`: it is plain."""


def read_included(envelope_xdr: str, tx_hash: str, network_id: bytes) -> IncludedTransaction:
    """Read the envelope of an included transaction; an inner hash names its fee bump, too.

    Raises: `ForeignTransaction` if it is no envelope, or not that of the hash. A plain one is not parsed,
    because a lane asks this of every transaction: its end is found by the hash, its head has fixed places.
    """
    raw = _bytes_of(envelope_xdr)
    if raw[:4] != _TAG:
        return _read_bump(raw, tx_hash, network_id)
    for body in _bodies(raw):
        if transaction_hash(body, network_id) == tx_hash:
            return _head(body, None)
    msg = "the envelope's transaction does not match its hash"
    raise ForeignTransaction(msg)


def _read_bump(raw: bytes, tx_hash: str, network_id: bytes) -> IncludedTransaction:
    bump = _decode(raw).fee_bump
    if bump is None or bump.tx.inner_tx.v1 is None:
        msg = "an old envelope"
        raise ForeignTransaction(msg)
    body = bump.tx.inner_tx.v1.tx.to_xdr_bytes()
    inner_hash = transaction_hash(body, network_id)
    outer = network_id + _FEE_BUMP_TAG + bump.tx.to_xdr_bytes()
    if tx_hash not in (inner_hash, hashlib.sha256(outer).hexdigest()):
        msg = "the envelope's transaction does not match its hash"
        raise ForeignTransaction(msg)
    return _head(body, inner_hash)


def _head(body: bytes, inner_hash: str | None) -> IncludedTransaction:
    """Source and sequence number come first: kind of key, [id,] key, fee, number."""
    key_at = 4 if body[:4] == _PLAIN_KEY else 12
    sequence_at = key_at + 32 + 4
    return IncludedTransaction(
        source=StrKey.encode_ed25519_public_key(body[key_at : key_at + 32]),
        sequence=int.from_bytes(body[sequence_at : sequence_at + 8], signed=True),
        inner_hash=inner_hash,
    )


def _bodies(raw: bytes) -> Iterator[bytes]:
    """What may lie between the tag and the signatures: each number of them that the bytes allow."""
    for count in range(_SIGNATURES_MAX + 1):
        end = len(raw) - 4 - count * _SIGNATURE_BYTES
        if end > _BODY_MIN and raw[end : end + 4] == count.to_bytes(4):
            yield raw[len(_TAG) : end]


def contract_id(factory: str, salt: bytes, network_id: bytes) -> str:
    """The contract that a factory makes from a salt (docs/spec/trustless-work.md §2.2)."""
    preimage = xdr.HashIDPreimage(
        type=xdr.EnvelopeType.ENVELOPE_TYPE_CONTRACT_ID,
        contract_id=xdr.HashIDPreimageContractID(
            network_id=xdr.Hash(network_id),
            contract_id_preimage=xdr.ContractIDPreimage(
                type=xdr.ContractIDPreimageType.CONTRACT_ID_PREIMAGE_FROM_ADDRESS,
                from_address=xdr.ContractIDPreimageFromAddress(
                    address=Address(factory).to_xdr_sc_address(), salt=xdr.Uint256(salt)
                ),
            ),
        ),
    )
    return StrKey.encode_contract(hashlib.sha256(preimage.to_xdr_bytes()).digest())


def contract_id_of_deploy(envelope_xdr: str, network_id: bytes) -> str:
    """The escrow that a deployment's envelope makes, signed or not, known before it is sent.

    Raises: `ForeignTransaction` if the envelope deploys nothing.
    """
    envelope = _decode(_bytes_of(envelope_xdr))
    if envelope.v1 is None:
        msg = "not a plain transaction"
        raise ForeignTransaction(msg)
    return contract_id_made_by(envelope.v1.tx, network_id)


def contract_id_made_by(transaction: xdr.Transaction, network_id: bytes) -> str:
    """The same of a transaction that is read already."""
    call = contract_call(transaction)
    if call is None or len(call.args) <= _SALT_ARGUMENT:
        msg = "not a deployment"
        raise ForeignTransaction(msg)
    salt = call.args[_SALT_ARGUMENT].bytes
    if salt is None or len(salt.sc_bytes) != _SALT_BYTES:
        msg = "a deployment without a salt"
        raise ForeignTransaction(msg)
    factory = Address.from_xdr_sc_address(call.contract_address).address
    return contract_id(factory, salt.sc_bytes, network_id)


def contract_call(transaction: xdr.Transaction) -> xdr.InvokeContractArgs | None:
    """The one contract call of a transaction, `None` if it is anything else."""
    if len(transaction.operations) != 1:
        return None
    invoke = transaction.operations[0].body.invoke_host_function_op
    return invoke.host_function.invoke_contract if invoke is not None else None


def moment(unix_seconds: int) -> datetime:
    """A time bound as an aware moment. Raises `ForeignTransaction` for one beyond the calendar."""
    try:
        return datetime.fromtimestamp(unix_seconds, UTC)
    except (OverflowError, ValueError, OSError):
        msg = "a time bound beyond the calendar"
        raise ForeignTransaction(msg) from None


def _bytes_of(envelope_xdr: str) -> bytes:
    try:
        return base64.b64decode(envelope_xdr, validate=True)
    except (binascii.Error, ValueError):
        msg = "not base64"
        raise ForeignTransaction(msg) from None


def _decode(raw: bytes) -> xdr.TransactionEnvelope:
    try:
        return xdr.TransactionEnvelope.from_xdr_bytes(raw)
    except Exception as error:  # noqa: BLE001 - stellar-sdk lets whatever its decoder trips over through
        msg = f"not an envelope ({type(error).__name__})"
        raise ForeignTransaction(msg) from None


_SALT_ARGUMENT = 2
_SALT_BYTES = 32
