"""Check the audit chain of a storage from its first entry (docs/spec/domain.md §7)."""

from collections.abc import Callable

from attrs import frozen

from storage.port import Storage
from storage.rendering import GENESIS, first_broken


@frozen
class AuditVerified:
    """How much of the chain holds, and where it breaks: `broken_at` is `None` if it is whole.

    Whoever can write the whole database can also write a new chain: compare `entries` and
    `last_hash` with what an earlier run reported, which is kept elsewhere.

    Args:
        entries: up to which entry it holds.
        checked_from: the first entry that was checked; what is before it was exported.
        last_hash: of the last entry that holds.
    """

    entries: int
    checked_from: int
    last_hash: bytes
    broken_at: int | None = None
    reason: str | None = None


async def verify_audit_chain(
    storage: Storage, *, page: int = 500, step: Callable[[int, int], None] = lambda _, __: None
) -> AuditVerified:
    """Read the whole chain and check each entry's place, its link and its hash, a page at a time.

    Where history is detached it begins at the checkpoint, which a later entry must confirm: how far
    the sequences are detached, the last hash, and the sums of all accounts and holdings. It must
    reach as far as commits have counted; what is committed meanwhile may or may not be part of it.

    Cancelling it leaves nothing behind.

    Args:
        step: told after each page how far it is, and how many entries there were at the beginning.
    """
    ends = await storage.audit_end()
    checkpoint = await storage.checkpoint()
    place = (0, GENESIS)
    if checkpoint is not None:
        place = (checkpoint.audit_sequence, checkpoint.audit_hash)
    first = place[0] + 1
    confirmed = checkpoint is None
    while True:
        entries = await storage.audit_after(place[0], page)
        broken = first_broken(entries, after=place)
        held = [entry for entry in entries if broken is None or entry.sequence < broken[0]]
        hashes = {place[0]: place[1], **{entry.sequence: entry.hash for entry in held}}
        if broken is None and hashes.get(ends[0], ends[1]) != ends[1]:
            broken = (ends[0], "the entry is not the one that was committed")
        place = (held[-1].sequence, held[-1].hash) if held else place
        confirmed = confirmed or any(
            checkpoint is not None and checkpoint.is_confirmed_by(entry.canonical) for entry in held
        )
        if broken is None and not entries and place[0] < ends[0]:
            broken = (place[0] + 1, "the newest entries are missing")
        if broken is None and not entries and not confirmed:
            reason = "the chain does not confirm the checkpoint that it is checked from"
            broken = (first - 1, reason)
        if broken is not None:
            return AuditVerified(place[0], first, place[1], *broken)
        if not entries:
            return AuditVerified(place[0], first, place[1])
        step(place[0], ends[0])
