"""The ledger against itself: replayed, it gives the rows that requests are answered from (docs/spec/domain.md §1)."""

from collections.abc import Iterable, Sequence

from offerhub.domain.errors import InvariantViolated
from offerhub.domain.ledger import (
    AIRTM_FLOAT,
    DUE_TREASURY,
    TREASURY,
    WALLET_TREASURY,
    Books,
    available,
    check_identities,
    due,
    reserved,
)
from offerhub.domain.money import Money
from offerhub.domain.treasury import Treasury
from offerhub.domain.unit_of_work import Balance


def faults(
    books: Books, balances: Sequence[Balance], treasury: Treasury, platform_user_id: str
) -> list[str]:
    """What does not agree; none if everything does.

    Args:
        books: the sums of all transfers.
        balances: every balance row.
        treasury: the running sums of the platform's own money.
        platform_user_id: whose wallet is the treasury's.
    """
    found = []
    try:
        check_identities(books, platform_user_id)
    except InvariantViolated as error:
        found.append(str(error))
    for row in balances:
        found += _differing(
            (
                (available(row.user_id), row.available, books.account(available(row.user_id))),
                (reserved(row.user_id), row.reserved, books.account(reserved(row.user_id))),
                (due(row.user_id), row.due, books.account(due(row.user_id))),
            )
        )
    rows = {row.user_id for row in balances}
    for name, amount in books.accounts.items():
        side, _, user_id = name.partition("/")
        if side in {"available", "reserved"} and amount and user_id not in rows:
            found.append(f"{name} has {Money(amount)} and no balance row")
    found += _differing(
        (
            (TREASURY, treasury.treasury, books.account(TREASURY)),
            (DUE_TREASURY, treasury.dues, books.account(DUE_TREASURY)),
            (WALLET_TREASURY, treasury.wallet, books.holding(WALLET_TREASURY)),
            (AIRTM_FLOAT, treasury.airtm_float, books.holding(AIRTM_FLOAT)),
        )
    )
    return found


def _differing(figures: Iterable[tuple[str, Money, Money]]) -> list[str]:
    return [
        f"{name} is kept at {kept} and its transfers sum to {summed}"
        for name, kept, summed in figures
        if kept != summed
    ]
