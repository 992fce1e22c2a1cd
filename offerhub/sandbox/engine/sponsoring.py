"""The sandwich that lets one account keep the reserves of another (docs/spec/stellar-horizon.md §5.4)."""

from offerhub.sandbox.engine.codes import Refused
from offerhub.sandbox.engine.context import ApplyContext, OperationEffects
from offerhub.sandbox.engine.parsed import BeginSponsoring


def check_begin_sponsoring(source: str, operation: BeginSponsoring) -> None:
    """Refuse an account that sponsors itself."""
    if operation.sponsored == source:
        raise Refused("op_malformed")


def apply_begin_sponsoring(
    context: ApplyContext, source: str, operation: BeginSponsoring
) -> OperationEffects:
    """Sponsor, until the end operation, every entry that `sponsored` comes to own."""
    sponsors = context.sponsors
    if operation.sponsored in sponsors:
        raise Refused("op_already_sponsored")
    if source in sponsors or operation.sponsored in sponsors.values():
        raise Refused("op_recursive")
    sponsors[operation.sponsored] = source
    return OperationEffects()


def apply_end_sponsoring(context: ApplyContext, source: str) -> OperationEffects:
    """End the sponsorship of the operation's source; the record names who sponsored."""
    sponsor = context.sponsors.pop(source, None)
    if sponsor is None:
        raise Refused("op_not_sponsored")
    return OperationEffects(sponsor=sponsor)
