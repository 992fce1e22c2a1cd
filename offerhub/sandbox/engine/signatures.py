"""Who signed: hints, Ed25519 and the rule that no signature may be superfluous."""

from functools import lru_cache

from attrs import frozen
from stellar_sdk import Keypair
from stellar_sdk.exceptions import BadSignatureError

from offerhub.sandbox.engine.parsed import ParsedTransaction


@frozen
class SignatureCheck:
    """The addresses whose master key signed, and whether every signature was somebody's."""

    signers: frozenset[str]
    all_used: bool


def check_signatures(transaction: ParsedTransaction) -> SignatureCheck:
    """Verify the signatures of every source that the envelope names, over this network's hash.

    Every account has its master key as the only signer here, with weight and thresholds that one
    signature meets, so an account that does not exist yet is checked alike (docs/spec/stellar-horizon.md §5.4).
    """
    needed = [transaction.source.address]
    needed += [operation.source.address for operation in transaction.operations]
    used: set[int] = set()
    signers: set[str] = set()
    for address in dict.fromkeys(needed):
        key = _verifier(address)
        hint = key.signature_hint()
        for index, item in enumerate(transaction.signatures):
            if item.hint == hint and _verifies(key, transaction.hash, item.signature):
                used.add(index)
                signers.add(address)
                break
    return SignatureCheck(frozenset(signers), len(used) == len(transaction.signatures))


@lru_cache(65536)
def _verifier(address: str) -> Keypair:
    return Keypair.from_public_key(address)


def _verifies(key: Keypair, digest: bytes, signature: bytes) -> bool:
    try:
        key.verify(digest, signature)
    except (BadSignatureError, ValueError):  # ValueError: not 64 bytes
        return False
    return True
