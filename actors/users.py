"""The users' actor: creates users and the wallets that they never see."""

from collections.abc import Callable
from typing import Final, assert_never

from attrs import frozen

from actors.core import Core
from actors.kernel import Actor, Address
from actors.messages import CreateUser
from actors.outages import refuse_while_unavailable
from actors.refused import refused
from actors.user_cache import UserCache
from actors.vault import MakeKeypair
from offerhub.domain import user_decisions as decisions
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.unit_of_work import Committed, RefusalKind, Refused
from offerhub.domain.users import UserCreated, Wallet, WalletStatus

PLATFORM_EXTERNAL_ID: Final = "offerhub:platform"
"""External id of the platform's own user: no marketplace's id may be it."""


@frozen
class UserParts:
    """What the users' actor works with.

    Args:
        activate: tells the wallets' actor of a wallet; never waits.
    """

    core: Core
    vault: Address[MakeKeypair]
    user_cache: UserCache
    activate: Callable[[str], None]


class UsersActor(Actor[CreateUser]):
    """One writer for external ids: the same id twice gives one user."""

    def __init__(self, parts: UserParts) -> None:
        self._parts = parts

    async def handle(self, message: CreateUser) -> object:
        """Create a user, or find the one that has the external id."""
        match message:
            case CreateUser():
                with refuse_while_unavailable():
                    return await self._create(message)
            case _:
                assert_never(message)

    async def _create(self, message: CreateUser) -> UserCreated:
        parts = self._parts
        found = await self._existing(message)
        if found is not None:
            return found
        wallet_id = parts.core.ids.new("wal")
        keypair = await parts.vault.ask(MakeKeypair(wallet_id))
        user, wallet, unit = decisions.create_user(
            decisions.CreateUser(
                user_id=parts.core.ids.new("usr"),
                wallet_id=wallet_id,
                external_user_id=message.external_user_id,
                email=message.email,
                type=message.type,
                metadata=message.metadata,
                public_key=keypair.public_key,
                seed=keypair.seed,
            ),
            DecisionContext(parts.core.now(), parts.core.ids, message.trace),
        )
        outcome = await parts.core.journal.commit(unit)
        match outcome:
            case Committed():
                parts.user_cache.note_user(user)
                parts.activate(wallet.id)
                return UserCreated(user, wallet, new=True)
            case Refused(RefusalKind.TAKEN, "external_user_id"):
                found = await self._existing(message)
                if found is None:
                    raise refused(outcome)
                return found
            case Refused():
                raise refused(outcome)

    async def _existing(self, message: CreateUser) -> UserCreated | None:
        user = await self._parts.core.storage.user_by_external_id(message.external_user_id)
        if user is None:
            return None
        wallet = await self._parts.core.storage.load(Wallet, user.wallet_id)
        if wallet is None:
            msg = f"{user.id} has no wallet"
            raise LookupError(msg)
        if wallet.status is WalletStatus.ACTIVATING:
            # Whoever created it may have crashed before the wallets' actor heard of it.
            self._parts.activate(wallet.id)
        existing = UserCreated(user, wallet, new=False)
        context = DecisionContext(self._parts.core.now(), self._parts.core.ids, message.trace)
        unit = decisions.keep_existing(existing, context)
        if unit is not None:
            outcome = await self._parts.core.journal.commit(unit)
            if isinstance(outcome, Refused):
                raise refused(outcome)
        return existing
