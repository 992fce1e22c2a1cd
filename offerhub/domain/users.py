"""Users and the wallets that they never see (docs/spec/domain.md §4)."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from attrs import field, frozen


class UserType(StrEnum):
    """A label, not enforced."""

    BUYER = "BUYER"
    SELLER = "SELLER"
    BOTH = "BOTH"


class WalletStatus(StrEnum):
    """`ACTIVE`: the account and its trustline exist on the chain."""

    ACTIVATING = "ACTIVATING"
    ACTIVE = "ACTIVE"


@frozen
class SealedSeed:
    """A secret seed under AES-256-GCM; wallet id and public key are its additional data."""

    key_version: str
    nonce: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)


class WalletRole(StrEnum):
    """Whose account it is: a user's, the platform's, or a channel's."""

    USER = "user"
    PLATFORM = "platform"
    CHANNEL = "channel"


@frozen
class Wallet:
    """An account on the chain and its sealed seed. A channel's belongs to the platform's user."""

    id: str
    version: int
    user_id: str
    role: WalletRole
    public_key: str
    seed: SealedSeed = field(repr=False)
    status: WalletStatus
    created_at: datetime
    updated_at: datetime


@frozen
class User:
    """A user of the marketplace: `external_user_id` is the marketplace's own id."""

    id: str
    version: int
    external_user_id: str
    email: str | None
    type: UserType
    metadata: Mapping[str, object]
    wallet_id: str
    public_key: str
    created_at: datetime
    updated_at: datetime
    status: str = "ACTIVE"


@frozen
class UserCreated:
    """The user under an external id with its wallet, and whether this request created it."""

    user: User
    wallet: Wallet
    new: bool
