"""When a signed envelope is dead: judged from evidence alone (docs/spec/domain.md §3, Exactly once).

What a server says is evidence, not truth. An envelope may be built again only when all of it agrees
that the envelope is in no ledger and can come into none any more; whatever is missing, old or in
contradiction leaves it alive, for a wait costs time and a mistake costs the money twice.
"""

from datetime import datetime, timedelta
from enum import Enum, unique
from typing import Final

from attrs import frozen

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""How far the network's newest ledger may lie from our own clock, both ways.

A network that works is seconds away, and servers' clocks agree within seconds where NTP runs; five
minutes leave room for a machine without it. A longer pause of the network looks the same as a clock
that is wrong, and is treated the same: nothing is signed, nothing expires, until they agree again.
"""


@frozen
class Envelope:
    """What we know of an envelope.

    Args:
        sequence: the number that it would use up.
        max_time: after this no ledger may include it.
        signed_after: the newest ledger when it was signed: it is in none up to there. `None` if
            that is not known.
    """

    sequence: int
    max_time: datetime
    signed_after: int | None


@frozen
class NetworkSeen:
    """The network, from one answer: its newest ledger, and the oldest that the server keeps."""

    ledger: int
    closed_at: datetime
    elder_ledger: int


@frozen
class AccountSeen:
    """The source account: its last used number, as of a ledger, if the answer named one."""

    sequence: int
    ledger: int | None


@unique
class Verdict(Enum):
    """What the evidence proves."""

    ALIVE = "alive"
    """It may still be applied."""
    UNPROVEN = "unproven"
    """Its time is over, and something is missing for the proof that it was never included."""
    SPENT = "spent"
    """Its sequence number is used up and its hash is in no ledger that is shown: something with
    this number was included, maybe itself. It is never built again until that is cleared up."""
    DEAD = "dead"
    """It is in no ledger and can come into none."""


@frozen
class Finding:
    """A verdict, and for people what led to it."""

    verdict: Verdict
    reason: str


def clocks_agree(closed_at: datetime, now: datetime) -> bool:
    """Whether the network's time counts, by our own."""
    return abs(closed_at - now) <= CLOCK_TOLERANCE


def judge(
    envelope: Envelope,
    *,
    now: datetime,
    network: NetworkSeen,
    account: AccountSeen | None,
    absent_at: int | None,
) -> Finding:
    """Judge an envelope whose hash the server answered 404 to, after it had shown `network`.

    Args:
        now: our own clock.
        account: the source, asked after `network`; `None` if the server knows of no such account.
        absent_at: the newest ledger at an earlier look that found its time over and the hash
            absent; `None` at the first.
    """
    if not clocks_agree(network.closed_at, now):
        return Finding(Verdict.UNPROVEN, "the network's clock and ours are minutes apart")
    if network.closed_at <= envelope.max_time or now <= envelope.max_time:
        return Finding(Verdict.ALIVE, "its time bounds have not passed")
    if envelope.signed_after is not None and network.ledger < envelope.signed_after:
        return Finding(Verdict.UNPROVEN, "the network is behind where it was when this was signed")
    if account is None:
        return Finding(Verdict.UNPROVEN, "the server does not know the source account")
    # However old the account's answer is: a number that was used stays used.
    spent = account.sequence >= envelope.sequence
    if not spent:
        if account.ledger is None:
            return Finding(Verdict.UNPROVEN, "the account's answer does not name its ledger")
        if account.ledger < network.ledger:
            return Finding(Verdict.UNPROVEN, "the account's answer is older than its time bound")
        if envelope.signed_after is not None and network.elder_ledger > envelope.signed_after + 1:
            return Finding(
                Verdict.UNPROVEN, "the server's history does not reach back to its signing"
            )
    if absent_at is None or network.ledger <= absent_at:
        return Finding(Verdict.UNPROVEN, "it was found absent once; a second ledger is to agree")
    if spent:
        return Finding(Verdict.SPENT, "its sequence number was used, and its hash is not there")
    return Finding(Verdict.DEAD, "its time is over, and its account has not used its number")
