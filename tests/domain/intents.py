"""One intent of each type."""

from offerhub.domain.intents import (
    ActivateWallets,
    ApproveMilestone,
    ChangeMilestoneStatus,
    DeployEscrow,
    DisputeEscrow,
    Distribution,
    DuePayment,
    EscrowTerms,
    FundEscrow,
    Intent,
    OpenChannels,
    PayUsdc,
    RefillWallets,
    ReleaseFunds,
    ResolveDispute,
    SettleDues,
    TrustUsdc,
    XlmRefill,
)
from offerhub.domain.money import Money

TERMS = EscrowTerms(
    "ord_1", "Order", "Escrow", "GA", "GB", "GC", "GD", "GE", "GF", Money(5), 250, ("x",), "GI"
)

INTENTS: tuple[Intent, ...] = (
    DeployEscrow("GC", TERMS),
    FundEscrow("CABC", "GA", Money(5), TERMS),
    ChangeMilestoneStatus("CABC", 3, "completed", "", "GB"),
    ApproveMilestone("CABC", 3, "GA"),
    ReleaseFunds("CABC", "GA"),
    DisputeEscrow("CABC", "GA"),
    ResolveDispute(
        "CABC", "GP", (Distribution("GA", Money(2)), Distribution("GB", Money(3))), Money(1)
    ),
    PayUsdc("GA", "GZ", Money(7), memo="rent"),
    ActivateWallets("GC", "GP", ("GA", "GB"), Money(9)),
    RefillWallets("GC", "GP", (XlmRefill("GA", Money(1)), XlmRefill("GB", Money(2)))),
    SettleDues("GC", "GP", (DuePayment("GA", Money(-3)), DuePayment("GB", Money(2)))),
    OpenChannels("GP", ("GC", "GD"), Money(3)),
    TrustUsdc("GP"),
)
