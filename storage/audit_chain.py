"""Check the audit chain of a storage from its first entry (docs/spec/domain.md §7)."""

from attrs import frozen

from storage.port import Storage, StoredAudit
from storage.rendering import first_broken


@frozen
class AuditVerified:
    """How much of the chain holds, and where it breaks: `broken_at` is `None` if it is whole.

    What follows the newest entry cannot be known from inside: compare `entries` with what an
    earlier run reported.
    """

    entries: int
    broken_at: int | None = None
    reason: str | None = None


async def verify_audit_chain(storage: Storage, *, page: int = 500) -> AuditVerified:
    """Read the whole chain and check each entry's place, its link and its hash.

    Cancelling it leaves nothing behind.
    """
    last: StoredAudit | None = None
    while True:
        entries = await storage.audit_after(0 if last is None else last.sequence, page)
        broken = first_broken(entries, after=last)
        if broken is not None:
            sequence, reason = broken
            return AuditVerified(entries=sequence - 1, broken_at=sequence, reason=reason)
        if not entries:
            return AuditVerified(entries=0 if last is None else last.sequence)
        last = entries[-1]
