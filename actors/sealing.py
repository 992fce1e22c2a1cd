"""Seeds under AES-256-GCM: the key ring that seals and opens them (docs/spec/domain.md §4).

The wallet's id and public key are the additional data, so that a ciphertext that was moved to
another wallet's row does not open. Each ciphertext names the version of its key.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from offerhub.domain.ids import RandomBytes
from offerhub.domain.users import SealedSeed

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_CHECK_TEXT: Final = b"offerhub vault check value"


class CannotOpen(Exception):
    """No key of the ring opens the ciphertext; says nothing of its content."""


class KeyRing:
    """The present key, which seals, and old ones, which only open.

    Args:
        key: 32 bytes, `WALLET_ENCRYPTION_KEY`.
        old_keys: of `WALLET_ENCRYPTION_KEYS_OLD`.
    """

    def __init__(
        self, key: bytes, random_bytes: RandomBytes, old_keys: Sequence[bytes] = ()
    ) -> None:
        if any(len(each) != _KEY_BYTES for each in (key, *old_keys)):
            msg = "an encryption key must have 32 bytes"
            raise ValueError(msg)
        self._random_bytes = random_bytes
        self._ciphers = {version_of(each): AESGCM(each) for each in (*old_keys, key)}
        self.version: Final = version_of(key)

    def __repr__(self) -> str:
        return f"<KeyRing {self.version}>"

    def seal(self, seed: str, wallet_id: str, public_key: str) -> SealedSeed:
        """Encrypt a seed under the present key with a fresh 96-bit nonce."""
        nonce = self._random_bytes(_NONCE_BYTES)
        ciphertext = self._ciphers[self.version].encrypt(
            nonce, seed.encode(), _additional(wallet_id, public_key)
        )
        return SealedSeed(key_version=self.version, nonce=nonce, ciphertext=ciphertext)

    def open(self, sealed: SealedSeed, wallet_id: str, public_key: str) -> str:
        """Decrypt a seed. Raises `CannotOpen`."""
        cipher = self._ciphers.get(sealed.key_version)
        if cipher is None:
            msg = f"no key of version {sealed.key_version} is configured"
            raise CannotOpen(msg)
        try:
            return cipher.decrypt(
                sealed.nonce, sealed.ciphertext, _additional(wallet_id, public_key)
            ).decode()
        except InvalidTag:
            msg = f"the seed of {wallet_id} cannot be decrypted with its key"
            raise CannotOpen(msg) from None

    def check_value(self) -> str:
        """A text that only this ring's present key makes: stored at the first start."""
        nonce = self._random_bytes(_NONCE_BYTES)
        sealed = self._ciphers[self.version].encrypt(nonce, _CHECK_TEXT, None)
        return f"{self.version}:{nonce.hex()}:{sealed.hex()}"

    def verify(self, check_value: str) -> None:
        """Raise `CannotOpen` unless one of the keys opens the stored check value."""
        version, nonce, sealed = check_value.split(":")
        cipher = self._ciphers.get(version)
        try:
            opened = cipher and cipher.decrypt(bytes.fromhex(nonce), bytes.fromhex(sealed), None)
        except InvalidTag:
            opened = None
        if opened != _CHECK_TEXT:
            msg = "the stored check value cannot be decrypted with the configured encryption key"
            raise CannotOpen(msg)


def version_of(key: bytes) -> str:
    """A key's public name: the beginning of a hash, which does not reveal the key."""
    return hashlib.sha256(b"offerhub key version" + key).hexdigest()[:12]


def _additional(wallet_id: str, public_key: str) -> bytes:
    return f"{wallet_id}\n{public_key}".encode()
