"""A checkpoint: what the books and the audit chain are proven from after history was detached.

It says how far each sequence is detached, what every account and holding summed up to there, and
the last audit hash. Its own audit entry repeats all of it, so that the chain vouches for it.
"""

from datetime import datetime
from hashlib import sha256
from typing import Final

import msgspec
from attrs import frozen

from offerhub.domain.ledger import Books
from offerhub.domain.unit_of_work import AuditEntry

ACTION: Final = "history.checkpoint"
"""The audit action of the entry that a checkpoint is in."""


@frozen
class Checkpoint:
    """The end of what is detached; the sequences are the last ones that are.

    Args:
        number: counts checkpoints from 1.
        event_moment: the latest `occurred_at` of the events that are detached.
        audit_moment: the latest `at` of the audit entries that are detached.
        audit_hash: the hash of the last audit entry that is detached.
        books: the sums of all transfers that are detached; what sums to zero is left out.
    """

    number: int
    event_sequence: int
    event_moment: datetime | None
    transfer_sequence: int
    audit_sequence: int
    audit_moment: datetime | None
    audit_hash: bytes
    books: Books

    @property
    def facts(self) -> dict[str, object]:
        """What its audit entry says."""
        return {
            "eventSequence": self.event_sequence,
            "transferSequence": self.transfer_sequence,
            "auditSequence": self.audit_sequence,
            "auditHash": self.audit_hash.hex(),
            "booksDigest": digest_of(self.books).hex(),
        }

    def entry(self, entry_id: str, *, manifest: str | None = None) -> AuditEntry:
        """Its audit entry.

        Args:
            entry_id: `aud_…`.
            manifest: SHA-256 of the export's manifest, in hex.
        """
        return AuditEntry(
            id=entry_id,
            action=ACTION,
            resource_type="Checkpoint",
            resource_id=str(self.number),
            after={**self.facts, "manifest": manifest},
        )

    def is_confirmed_by(self, canonical: bytes) -> bool:
        """Whether an audit entry, as it was hashed, is this checkpoint's and says the same."""
        entry = msgspec.json.decode(canonical)
        if entry["action"] != ACTION or entry["resourceId"] != str(self.number):
            return False
        said = dict(entry["after"])
        said.pop("manifest")
        return bool(said == self.facts)


def digest_of(books: Books) -> bytes:
    """SHA-256 of all sums that are not zero, by side and name."""
    lines = [
        f"{side} {name} {amount}\n"
        for side, sums in (("account", books.accounts), ("holding", books.holdings))
        for name, amount in sorted(sums.items())
        if amount != 0
    ]
    return sha256("".join(lines).encode()).digest()
