"""Which users exist, and the wallets that are active: read once, kept in memory.

Neither ever stops being true: a user is never deleted, and an active wallet stays active.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, TypeVar

from offerhub.domain.users import User, Wallet, WalletStatus
from storage.port import Storage

T = TypeVar("T")

_KEPT_MAX: Final = 100_000


class UserCache:
    """Users and active wallets by user id."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._users: OrderedDict[str, User] = OrderedDict()
        self._active: OrderedDict[str, Wallet] = OrderedDict()

    def note_user(self, user: User) -> None:
        """Remember a user that was just committed or read."""
        _keep(self._users, user.id, user)

    def note_wallet(self, wallet: Wallet) -> None:
        """Remember a wallet, once it is active."""
        if wallet.status is WalletStatus.ACTIVE:
            _keep(self._active, wallet.user_id, wallet)

    async def users(self, user_ids: Sequence[str]) -> dict[str, User]:
        """Those of the users that exist."""
        missing = [user_id for user_id in user_ids if user_id not in self._users]
        if missing:
            for user in (await self._storage.load_many(User, missing)).values():
                self.note_user(user)
        return {user_id: self._users[user_id] for user_id in user_ids if user_id in self._users}

    async def wallets(self, user_ids: Sequence[str]) -> dict[str, Wallet]:
        """The users' wallets by user id, active or not; users that do not exist are left out."""
        missing = [user_id for user_id in user_ids if user_id not in self._active]
        found: dict[str, Wallet] = {}
        if missing:
            users = await self.users(missing)
            wallets = await self._storage.load_many(
                Wallet, [user.wallet_id for user in users.values()]
            )
            for wallet in wallets.values():
                found[wallet.user_id] = wallet
                self.note_wallet(wallet)
        known = {**found, **{each: self._active[each] for each in user_ids if each in self._active}}
        return {user_id: known[user_id] for user_id in user_ids if user_id in known}


def _keep(kept: OrderedDict[str, T], key: str, value: T) -> None:
    kept[key] = value
    if len(kept) > _KEPT_MAX:
        kept.popitem(last=False)
