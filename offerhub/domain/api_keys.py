"""API keys and scopes (docs/spec/api.md, Authentication)."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from attrs import field, frozen


class Scope(StrEnum):
    """What a key may do; but for `*`, scopes do not include each other."""

    READ = "read"
    WRITE = "write"
    SUPPORT = "support"
    ALL = "*"


@frozen
class ApiKey:
    """A key without its text: only the SHA-256 of it is kept.

    Args:
        expires_at: from then on it lets nobody in.
        expired_at: when its expiry was recorded, in the audit log too.
    """

    id: str
    version: int
    digest: bytes = field(repr=False)
    masked_key: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    updated_at: datetime
    user_id: str | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    expired_at: datetime | None = None

    @property
    def ends_at(self) -> datetime | None:
        """When its expiry is to be recorded; `None` if it has none, or has ended already."""
        if self.revoked_at is not None or self.expired_at is not None:
            return None
        return self.expires_at

    def valid_at(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@frozen
class ApiToken:
    """A short-lived token of a key, with the same scopes or fewer; dies with its key."""

    id: str
    version: int
    digest: bytes = field(repr=False)
    api_key_id: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    updated_at: datetime
    expires_at: datetime


def allows(scopes: Iterable[Scope], needed: Scope) -> bool:
    """Tell whether one of the scopes covers the needed one."""
    return any(scope is Scope.ALL or scope is needed for scope in scopes)
