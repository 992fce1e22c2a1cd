"""The vault: nothing is signed but what it has compared with its intent (docs/spec/domain.md §4).

It alone asks the signer, which holds the keys: several signatures at once, so that a signer which
is far away makes nobody wait for anyone else's.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final, TypeAlias, assert_never

import structlog
import trio
from attrs import field, frozen

from actors.kernel import Actor, Later, Message
from actors.outages import refuse_while_unavailable
from actors.signing import CannotSign, NewKeypair, Signer, SignerUnavailable
from offerhub.domain.chain_moves import SignedEnvelope
from offerhub.domain.envelope_death import clocks_agree
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.ids import Clock
from offerhub.domain.intents import Intent
from offerhub.domain.users import SealedSeed, Wallet
from offerhub.providers.stellar.check import check_transaction
from offerhub.providers.stellar.envelope import (
    CheckedTransaction,
    ForeignTransaction,
    StaleTransaction,
    attach,
)
from offerhub.providers.stellar.port import NetworkState
from offerhub.providers.stellar.rules import SigningRules
from storage.port import Storage

log = structlog.get_logger(__name__)

_KEPT_MAX: Final = 10_000
"""Sealed seeds kept in memory: ciphertexts, never opened ones."""

SIGNING_MAX: Final = 16
"""Signatures that are made at once: a signer that answers within 20 ms gives 800 a second."""

SIGNER_DEADLINE_S: Final = 10.0
"""For one transaction's signatures, or one key pair."""


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


@frozen
class Resealed:
    """Seeds under the present key, by the wallet's id; `left`: those that no key of ours opens."""

    key_version: str
    seeds: Mapping[str, SealedSeed] = field(repr=False)
    left: tuple[str, ...]


@frozen
class ResealWallets(Message[Resealed]):
    """Seal the seeds of wallets under the present key."""

    wallets: tuple[Wallet, ...] = field(repr=False)


@frozen
class MarkKey(Message[str]):
    """Make the text by which a start recognises the present key."""


VaultMessage: TypeAlias = MakeKeypair | SignTransaction | ResealWallets | MarkKey
"""What the vault takes."""


class Vault(Actor[VaultMessage]):
    """See the module."""

    def __init__(self, storage: Storage, signer: Signer, rules: SigningRules, now: Clock) -> None:
        self._storage = storage
        self._signer = signer
        self._rules = rules
        self._now = now
        self._room = trio.Semaphore(SIGNING_MAX)
        self._wallets: OrderedDict[str, Wallet] = OrderedDict()

    async def handle(self, message: VaultMessage) -> object:
        """Make a key pair, or sign: what it is to be is checked here, the signer is asked beside."""
        match message:
            case MakeKeypair(wallet_id):
                return await self._beside(partial(self._signer.make, wallet_id))
            case ResealWallets(sealed):
                return await self._beside(partial(self._reseal, sealed))
            case MarkKey():
                return await self._beside(self._signer.mark)
            case SignTransaction():
                with refuse_while_unavailable():
                    checked = self._checked(message)
                    if isinstance(checked, NotSigned):
                        return checked
                    wallets = await self._wallets_of(checked.signers)
                missing = [address for address in checked.signers if address not in wallets]
                if missing:
                    return NotSigned(f"we have no key for {missing[0]}")
                return await self._beside(partial(self._sign, checked, wallets))
            case _:
                assert_never(message)

    def _checked(self, message: SignTransaction) -> CheckedTransaction | NotSigned:
        if not clocks_agree(message.network.latest_closed_at, self._now()):
            return NotSigned(
                "its time bounds rest on a clock that is minutes from ours", stale=True
            )
        try:
            return check_transaction(
                message.unsigned,
                message.intent,
                self._rules,
                sequence=message.sequence,
                network=message.network,
            )
        except ForeignTransaction as difference:
            return NotSigned(difference.reason, stale=isinstance(difference, StaleTransaction))

    async def _beside(self, ask: Callable[[], Awaitable[object]]) -> Later:
        """Ask the signer in a child task; with `SIGNING_MAX` of them the mailbox waits for room."""
        await self._room.acquire()
        return Later(self._asked, ask)

    async def _asked(self, ask: Callable[[], Awaitable[object]]) -> object:
        try:
            with trio.fail_after(SIGNER_DEADLINE_S):
                return await ask()
        except (SignerUnavailable, trio.TooSlowError):
            raise DomainError(
                ErrorCode.SERVICE_UNAVAILABLE, "the signer is not responding; nothing was signed"
            ) from None
        finally:
            self._room.release()

    async def _reseal(self, wallets: tuple[Wallet, ...]) -> Resealed:
        seeds: dict[str, SealedSeed] = {}
        left: list[str] = []
        for wallet in wallets:
            try:
                seeds[wallet.id] = await self._signer.reseal(wallet)
            except CannotSign as damaged:
                log.error("vault.not_resealed", reason=str(damaged))  # noqa: TRY400 - as in _sign
                left.append(wallet.id)
        return Resealed(self._signer.key_version, seeds, tuple(left))

    async def _sign(
        self, checked: CheckedTransaction, wallets: dict[str, Wallet]
    ) -> SignedEnvelope | NotSigned:
        tx_hash = bytes.fromhex(checked.hash)
        try:
            envelope = attach(
                checked,
                {
                    address: await self._signer.sign(tx_hash, wallets[address])
                    for address in checked.signers
                },
            )
        except (CannotSign, ForeignTransaction) as damaged:
            # One damaged or exchanged row is no reason for every other wallet to go unsigned.
            # Without a traceback: nothing of this place is to be shown.
            log.error("vault.not_signed", reason=str(damaged))  # noqa: TRY400
            return NotSigned(str(damaged))
        return SignedEnvelope(
            envelope=envelope,
            tx_hash=checked.hash,
            sequence=checked.sequence,
            max_time=int(checked.max_time.timestamp()),
            fee_stroops=checked.fee_stroops,
            contract_id=checked.contract_id,
        )

    async def _wallets_of(self, addresses: tuple[str, ...]) -> dict[str, Wallet]:
        unknown = [address for address in addresses if address not in self._wallets]
        if unknown:
            self._wallets.update(await self._storage.wallets_by_address(unknown))
            while len(self._wallets) > _KEPT_MAX:
                self._wallets.popitem(last=False)
        return {
            address: self._wallets[address] for address in addresses if address in self._wallets
        }
