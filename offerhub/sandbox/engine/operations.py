"""One operation: is it well formed, what does it do, whom does it concern."""

from typing import assert_never

from offerhub.sandbox.engine.accounts import (
    apply_account_merge,
    apply_bump_sequence,
    apply_create_account,
    check_account_merge,
    check_bump_sequence,
    check_create_account,
)
from offerhub.sandbox.engine.codes import Refused
from offerhub.sandbox.engine.context import ApplyContext, OperationEffects
from offerhub.sandbox.engine.invoke import apply_invoke
from offerhub.sandbox.engine.parsed import (
    AccountMerge,
    BeginSponsoring,
    BumpSequence,
    ChangeTrust,
    CreateAccount,
    EndSponsoring,
    InvokeContract,
    ParsedOperation,
    PathPayment,
    Payment,
    Unsupported,
)
from offerhub.sandbox.engine.payments import (
    apply_path_payment,
    apply_payment,
    check_path_payment,
    check_payment,
)
from offerhub.sandbox.engine.sponsoring import (
    apply_begin_sponsoring,
    apply_end_sponsoring,
    check_begin_sponsoring,
)
from offerhub.sandbox.engine.trust import apply_change_trust, check_change_trust


def check_operation(operation: ParsedOperation) -> None:
    """Refuse what no ledger could apply; needs no state (core's doCheckValid)."""
    source, body = operation.source.address, operation.body
    match body:
        case CreateAccount():
            check_create_account(source, body)
        case Payment():
            check_payment(body)
        case PathPayment():
            check_path_payment(body)
        case ChangeTrust():
            check_change_trust(source, body)
        case AccountMerge():
            check_account_merge(source, body)
        case BumpSequence():
            check_bump_sequence(body)
        case BeginSponsoring():
            check_begin_sponsoring(source, body)
        case EndSponsoring() | InvokeContract():
            pass
        case Unsupported():
            raise Refused("op_not_supported")
        case _:
            assert_never(body)


def apply_operation(context: ApplyContext, operation: ParsedOperation) -> OperationEffects:
    """Apply one operation; after Refused the caller undoes what it wrote."""
    source, body = operation.source.address, operation.body
    if context.state.accounts.get(source) is None:
        raise Refused("op_no_source_account")
    match body:
        case CreateAccount():
            return apply_create_account(context, source, body)
        case Payment():
            return apply_payment(context, source, body)
        case PathPayment():
            return apply_path_payment(context, source, body)
        case ChangeTrust():
            return apply_change_trust(context, source, body)
        case AccountMerge():
            return apply_account_merge(context, source, body)
        case BumpSequence():
            return apply_bump_sequence(context, source, body)
        case BeginSponsoring():
            return apply_begin_sponsoring(context, source, body)
        case EndSponsoring():
            return apply_end_sponsoring(context, source)
        case InvokeContract():
            return apply_invoke(context, source, body)
        case Unsupported():
            raise Refused("op_not_supported")
        case _:
            assert_never(body)


def participants(operation: ParsedOperation, effects: OperationEffects) -> tuple[str, ...]:
    """Give the G-addresses whose history lists this operation, each once, its source first.

    Source: docs/spec/stellar-horizon.md §2.4.
    """
    found = [operation.source.address]
    match operation.body:
        case CreateAccount(destination=address) | BeginSponsoring(sponsored=address):
            found.append(address)
        case (
            Payment(destination=party)
            | PathPayment(destination=party)
            | AccountMerge(destination=party)
        ):
            found.append(party.address)
        case _:
            pass
    if effects.sponsor is not None:
        found.append(effects.sponsor)
    for change in effects.balance_changes:
        found += [address for address in (change.source, change.destination) if address is not None]
    return tuple(dict.fromkeys(address for address in found if address.startswith("G")))
