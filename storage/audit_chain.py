"""Check the audit chain of a storage from its first entry (docs/spec/domain.md §7)."""

from attrs import frozen

from storage.port import Storage
from storage.rendering import GENESIS, first_broken


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

    Where history is detached it begins at the checkpoint, which a later entry must confirm: how far
    the sequences are detached, the last hash, and the sums of all accounts and holdings.

    Cancelling it leaves nothing behind.
    """
    checkpoint = await storage.checkpoint()
    place = (0, GENESIS)
    if checkpoint is not None:
        place = (checkpoint.audit_sequence, checkpoint.audit_hash)
    confirmed = checkpoint is None
    while True:
        entries = await storage.audit_after(place[0], page)
        broken = first_broken(entries, after=place)
        if broken is not None:
            sequence, reason = broken
            return AuditVerified(entries=sequence - 1, broken_at=sequence, reason=reason)
        confirmed = confirmed or any(
            checkpoint is not None and checkpoint.is_confirmed_by(entry.canonical)
            for entry in entries
        )
        if not entries:
            break
        place = (entries[-1].sequence, entries[-1].hash)
    if not confirmed:
        reason = "the chain does not confirm the checkpoint that it is checked from"
        return AuditVerified(entries=place[0], broken_at=place[0], reason=reason)
    return AuditVerified(entries=place[0])
