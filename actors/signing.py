"""Who holds the keys of the wallets: the port of signers, and the one that holds them itself.

A signer is only ever asked by the vault, for what the vault has checked. It may be far away (a key
service), so it answers asynchronously, and several of its answers may be under way at once.
"""

from typing import Final, Protocol

from attrs import frozen
from stellar_sdk import Keypair

from actors.sealing import CannotOpen, KeyRing
from offerhub.domain.ids import RandomBytes
from offerhub.domain.users import SealedSeed, Wallet

_SEED_BYTES: Final = 32


@frozen
class NewKeypair:
    """A fresh key pair: the public key in the clear, the seed sealed."""

    public_key: str
    seed: SealedSeed


class CannotSign(Exception):
    """The signer has not the wallet's key, or not that of this storage; says nothing of any key."""


class SignerUnavailable(Exception):
    """The signer does not answer at the moment; nothing was signed that anyone has."""


class Signer(Protocol):
    """Holds keys; cancelling a call is harmless."""

    async def make(self, wallet_id: str) -> NewKeypair:
        """A key pair for a wallet. Raises `SignerUnavailable`."""
        ...

    async def sign(self, tx_hash: bytes, wallet: Wallet) -> bytes:
        """The wallet's signature, 64 bytes, over a hash. Raises `CannotSign`, `SignerUnavailable`."""
        ...

    @property
    def key_version(self) -> str:
        """The public name of the key that seals now."""
        ...

    async def reseal(self, wallet: Wallet) -> SealedSeed:
        """The wallet's seed, sealed under the present key. Raises `CannotSign`, `SignerUnavailable`."""
        ...

    async def mark(self) -> str:
        """A text that only these keys make, to be stored at the first start."""
        ...

    async def recognise(self, mark: str) -> None:
        """Raise `CannotSign` unless it is a mark of these keys."""
        ...


class LocalSigner:
    """Keeps the seeds sealed in the database; opens one, signs, and forgets it."""

    def __init__(self, ring: KeyRing, random_bytes: RandomBytes) -> None:
        self._ring = ring
        self._random_bytes = random_bytes

    async def make(self, wallet_id: str) -> NewKeypair:
        keypair = Keypair.from_raw_ed25519_seed(self._random_bytes(_SEED_BYTES))
        sealed = self._ring.seal(keypair.secret, wallet_id, keypair.public_key)
        return NewKeypair(keypair.public_key, sealed)

    async def sign(self, tx_hash: bytes, wallet: Wallet) -> bytes:
        try:
            seed = self._ring.open(wallet.seed, wallet.id, wallet.public_key)
        except CannotOpen as damaged:
            raise CannotSign(str(damaged)) from None
        keypair = Keypair.from_secret(seed)
        if keypair.public_key != wallet.public_key:
            msg = f"the seed of {wallet.id} belongs to another address"
            raise CannotSign(msg)
        return keypair.sign(tx_hash)

    @property
    def key_version(self) -> str:
        return self._ring.version

    async def reseal(self, wallet: Wallet) -> SealedSeed:
        try:
            seed = self._ring.open(wallet.seed, wallet.id, wallet.public_key)
        except CannotOpen as damaged:
            raise CannotSign(str(damaged)) from None
        return self._ring.seal(seed, wallet.id, wallet.public_key)

    async def mark(self) -> str:
        return self._ring.check_value()

    async def recognise(self, mark: str) -> None:
        try:
            self._ring.verify(mark)
        except CannotOpen as other:
            raise CannotSign(str(other)) from None
