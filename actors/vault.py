"""The vault: the only place that ever holds the encryption key or an opened seed (docs/spec/domain.md §4).

It compares a transaction with its intent, opens the seeds of its signers, signs, and forgets.
"""

from collections import OrderedDict
from typing import Final, TypeAlias, assert_never

import structlog
from attrs import field, frozen
from stellar_sdk import Keypair

from actors.kernel import Actor, Message
from actors.patience import refusing_when_away
from actors.sealing import CannotOpen, KeyRing
from offerhub.domain.chain_moves import SignedEnvelope
from offerhub.domain.envelope_death import clocks_agree
from offerhub.domain.ids import Clock, RandomBytes
from offerhub.domain.intents import Intent
from offerhub.domain.users import SealedSeed, Wallet
from offerhub.providers.stellar.check import check_transaction
from offerhub.providers.stellar.envelope import (
    ForeignTransaction,
    StaleTransaction,
    sign,
)
from offerhub.providers.stellar.port import NetworkState
from offerhub.providers.stellar.rules import SigningRules
from storage.port import Storage

log = structlog.get_logger(__name__)

_KEPT_MAX: Final = 10_000
"""Sealed seeds kept in memory: ciphertexts, never opened ones."""

_SEED_BYTES: Final = 32


@frozen
class NewKeypair:
    """A fresh key pair: the public key in the clear, the seed sealed."""

    public_key: str
    seed: SealedSeed


@frozen
class MakeKeypair(Message[NewKeypair]):
    """Make a key pair for a wallet."""

    wallet_id: str


@frozen
class NotSigned:
    """The transaction is not what was asked for, and got no signature; `stale`: it is, but old."""

    reason: str
    stale: bool = False


@frozen
class SignTransaction(Message[SignedEnvelope | NotSigned]):
    """Check an unsigned envelope against its intent and sign it.

    Args:
        sequence: the source's next sequence number.
        network: a recent state of the network: its clock judges the time bounds, if ours agrees.
    """

    unsigned: str = field(repr=False)
    intent: Intent
    sequence: int
    network: NetworkState


VaultMessage: TypeAlias = MakeKeypair | SignTransaction
"""What the vault takes."""


class Vault(Actor[VaultMessage]):
    """See the module."""

    def __init__(
        self,
        storage: Storage,
        ring: KeyRing,
        rules: SigningRules,
        random_bytes: RandomBytes,
        now: Clock,
    ) -> None:
        self._storage = storage
        self._ring = ring
        self._rules = rules
        self._random_bytes = random_bytes
        self._now = now
        self._wallets: OrderedDict[str, Wallet] = OrderedDict()

    async def handle(self, message: VaultMessage) -> object:
        """Make a key pair, or sign."""
        match message:
            case MakeKeypair(wallet_id):
                return self._make(wallet_id)
            case SignTransaction():
                with refusing_when_away():
                    return await self._sign(message)
            case _:
                assert_never(message)

    def _make(self, wallet_id: str) -> NewKeypair:
        keypair = Keypair.from_raw_ed25519_seed(self._random_bytes(_SEED_BYTES))
        return NewKeypair(
            keypair.public_key,
            self._ring.seal(keypair.secret, wallet_id, keypair.public_key),
        )

    async def _sign(self, message: SignTransaction) -> SignedEnvelope | NotSigned:
        if not clocks_agree(message.network.latest_closed_at, self._now()):
            return NotSigned(
                "its time bounds rest on a clock that is minutes from ours", stale=True
            )
        try:
            checked = check_transaction(
                message.unsigned,
                message.intent,
                self._rules,
                sequence=message.sequence,
                network=message.network,
            )
        except ForeignTransaction as difference:
            return NotSigned(difference.reason, stale=isinstance(difference, StaleTransaction))
        wallets = await self._wallets_of(checked.signers)
        missing = [address for address in checked.signers if address not in wallets]
        if missing:
            return NotSigned(f"we have no key for {missing[0]}")
        try:
            keypairs = [self._keypair(wallets[address]) for address in checked.signers]
        except CannotOpen as damaged:
            # One damaged or exchanged row is no reason for every other wallet to go unsigned.
            # Without a traceback: nothing of this place is to be shown.
            log.error("vault.seed_not_decrypted", reason=str(damaged))  # noqa: TRY400
            return NotSigned(str(damaged))
        envelope = sign(checked, keypairs)
        return SignedEnvelope(
            envelope=envelope,
            tx_hash=checked.hash,
            sequence=checked.sequence,
            max_time=int(checked.max_time.timestamp()),
            fee_stroops=checked.fee_stroops,
            contract_id=checked.contract_id,
        )

    def _keypair(self, wallet: Wallet) -> Keypair:
        keypair = Keypair.from_secret(self._ring.open(wallet.seed, wallet.id, wallet.public_key))
        if keypair.public_key != wallet.public_key:
            msg = f"the seed of {wallet.id} belongs to another address"
            raise CannotOpen(msg)
        return keypair

    async def _wallets_of(self, addresses: tuple[str, ...]) -> dict[str, Wallet]:
        unknown = [address for address in addresses if address not in self._wallets]
        if unknown:
            self._wallets.update(await self._storage.wallets_by_address(unknown))
            while len(self._wallets) > _KEPT_MAX:
                self._wallets.popitem(last=False)
        return {
            address: self._wallets[address] for address in addresses if address in self._wallets
        }
