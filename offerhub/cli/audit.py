"""`offerhub audit`: whether the audit log is what was written."""

import click

from offerhub.cli import exits
from offerhub.cli.output import Working, json_option, print_fields
from offerhub.cli.start import load_or_exit
from offerhub.cli.storage import with_storage_shown
from storage.audit_chain import AuditVerified, verify_audit_chain
from storage.port import Storage


@click.group("audit")
def audit_group() -> None:
    """Check the audit log."""


@audit_group.command("verify")
@json_option
def verify_command(*, as_json: bool) -> None:
    """Compute the hash chain of the audit log anew, from its first entry or the last export on.

    It fails if an entry was changed, removed or put in, or the newest ones are missing. Keep what it
    prints: a later run must report at least as many entries, and the same hash for the same number.
    """
    found = with_storage_shown(load_or_exit(quiet=True), _verify)
    fields: dict[str, object] = {
        "whole": found.broken_at is None,
        "checkedFrom": found.checked_from,
        "entries": found.entries,
        "lastHash": found.last_hash.hex(),
        "brokenAt": found.broken_at,
        "reason": found.reason,
    }
    print_fields(fields, as_json=as_json)
    if found.broken_at is not None:
        raise SystemExit(exits.REFUSED)


async def _verify(storage: Storage, shown: Working) -> AuditVerified:
    return await verify_audit_chain(
        storage,
        page=2_000,
        step=lambda done, of: shown.say(f"checking the audit chain: {done} of {max(done, of)}"),
    )
