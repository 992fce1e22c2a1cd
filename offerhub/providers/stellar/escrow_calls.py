"""The contract call that each escrow intent asks for, argument by argument (docs/spec/trustless-work.md §2.2).

What the provider builds is compared with this byte for byte; where the sources show more than one encoding of
the same value, each is accepted.
"""

from typing import assert_never

from attrs import frozen
from stellar_sdk import Address, scval, xdr

from offerhub.domain.intents import (
    ApproveMilestone,
    ChangeMilestoneStatus,
    DeployEscrow,
    DisputeEscrow,
    Distribution,
    EscrowIntent,
    EscrowTerms,
    FundEscrow,
    ReleaseFunds,
    ResolveDispute,
)
from offerhub.domain.money import Money
from offerhub.providers.stellar.rules import SigningRules

DEPLOY_FUNCTION = "tw_new_single_release_escrow"
INITIALIZE_FUNCTION = "initialize_escrow"

Alternatives = tuple[xdr.SCVal, ...]
"""The encodings of one argument that mean the same; none: any 32 bytes, a salt."""


@frozen
class ExpectedCall:
    """A call as it must be in the envelope."""

    contract: str
    function: str
    arguments: tuple[Alternatives, ...]
    transfer: xdr.InvokeContractArgs | None
    """The one call of the asset's contract that the source may authorise below the call."""


def expected_call(intent: EscrowIntent, rules: SigningRules) -> ExpectedCall:
    """Say what the envelope of an intent must call."""
    match intent:
        case DeployEscrow():
            return ExpectedCall(
                contract=rules.factory,
                function=DEPLOY_FUNCTION,
                arguments=(
                    (scval.to_address(intent.signer),),
                    (scval.to_bytes(bytes.fromhex(rules.wasm_hash)),),
                    ANY_SALT,
                    (scval.to_symbol(INITIALIZE_FUNCTION),),
                    (scval.to_vec([escrow_value(intent.terms, rules.usdc_contract)]),),
                    (scval.to_vec([]),),
                ),
                transfer=None,
            )
        case FundEscrow():
            return ExpectedCall(
                contract=intent.contract_id,
                function="fund_escrow",
                arguments=(
                    (scval.to_address(intent.signer),),
                    (escrow_value(intent.terms, rules.usdc_contract),),
                    (scval.to_int128(intent.amount.stroops),),
                ),
                transfer=_transfer(rules, intent.signer, intent.contract_id, intent.amount),
            )
        case ChangeMilestoneStatus():
            evidence: Alternatives = (scval.to_string(intent.evidence),)
            if not intent.evidence:
                evidence += (scval.to_void(),)
            return ExpectedCall(
                contract=intent.contract_id,
                function="change_milestone_status",
                arguments=(
                    _index(intent.index),
                    (scval.to_string(intent.status),),
                    evidence,
                    (scval.to_address(intent.service_provider),),
                ),
                transfer=None,
            )
        case ApproveMilestone():
            return ExpectedCall(
                contract=intent.contract_id,
                function="approve_milestone",
                arguments=(_index(intent.index), (scval.to_address(intent.approver),)),
                transfer=None,
            )
        case ReleaseFunds():
            return ExpectedCall(
                contract=intent.contract_id,
                function="release_funds",
                arguments=((scval.to_address(intent.release_signer),), *_fee_address(rules)),
                transfer=None,
            )
        case DisputeEscrow():
            return ExpectedCall(
                contract=intent.contract_id,
                function="dispute_escrow",
                arguments=((scval.to_address(intent.signer),),),
                transfer=None,
            )
        case ResolveDispute():
            return ExpectedCall(
                contract=intent.contract_id,
                function="resolve_dispute",
                arguments=(
                    (scval.to_address(intent.dispute_resolver),),
                    *_fee_address(rules),
                    (_distributions(intent.whole),),
                ),
                transfer=None,
            )
        case _:
            assert_never(intent)


def escrow_value(terms: EscrowTerms, usdc_contract: str) -> xdr.SCVal:
    """The contract's `Escrow` record of a fresh escrow: milestones pending, every flag down."""
    roles = {
        "approver": terms.approver,
        "dispute_resolver": terms.dispute_resolver,
        "platform": terms.platform,
        "receiver": terms.receiver,
        "release_signer": terms.release_signer,
        "service_provider": terms.service_provider,
    }
    return scval.to_struct(
        {
            "amount": scval.to_int128(terms.amount.stroops),
            "description": scval.to_string(terms.description),
            "engagement_id": scval.to_string(terms.engagement_id),
            "flags": scval.to_struct(
                {flag: scval.to_bool(False) for flag in ("disputed", "released", "resolved")}
            ),
            "milestones": scval.to_vec([_milestone(text) for text in terms.milestones]),
            "platform_fee": scval.to_uint32(terms.platform_fee_bps),
            "receiver_memo": scval.to_uint32(0),
            "roles": scval.to_struct({role: scval.to_address(who) for role, who in roles.items()}),
            "title": scval.to_string(terms.title),
            "trustline": scval.to_struct({"address": scval.to_address(usdc_contract)}),
        }
    )


def matches(call: xdr.InvokeContractArgs, expected: ExpectedCall) -> str | None:
    """Compare a call with the expected one; what differs, or `None`."""
    if call.contract_address != Address(expected.contract).to_xdr_sc_address():
        return "it calls a different contract"
    if call.function_name.sc_symbol != expected.function.encode():
        return "it calls a different function"
    if len(call.args) != len(expected.arguments):
        return "it passes a different number of arguments"
    for position, (value, alternatives) in enumerate(
        zip(call.args, expected.arguments, strict=True)
    ):
        if alternatives is ANY_SALT:
            if value.bytes is None or len(value.bytes.sc_bytes) != _SALT_BYTES:
                return "its salt is not 32 bytes"
        elif value not in alternatives:
            return f"argument {position} of {expected.function} differs"
    return None


def _milestone(description: str) -> xdr.SCVal:
    return scval.to_struct(
        {
            "approved": scval.to_bool(False),
            "description": scval.to_string(description),
            "evidence": scval.to_string(""),
            "status": scval.to_string("pending"),
        }
    )


def _index(index: int) -> Alternatives:
    """An i128 in the older sources, a u32 in the newer ones (§2.2)."""
    return (scval.to_int128(index), scval.to_uint32(index))


def _fee_address(rules: SigningRules) -> tuple[Alternatives, ...]:
    return () if rules.fee_address is None else ((scval.to_address(rules.fee_address),),)


def _distributions(distributions: tuple[Distribution, ...]) -> xdr.SCVal:
    """`Map<Address, i128>`: each recipient once, the keys in the network's order."""
    return scval.to_map(
        {
            scval.to_address(each.address): scval.to_int128(each.amount.stroops)
            for each in distributions
        }
    )


def _transfer(
    rules: SigningRules, source: str, destination: str, amount: Money
) -> xdr.InvokeContractArgs:
    return xdr.InvokeContractArgs(
        contract_address=Address(rules.usdc_contract).to_xdr_sc_address(),
        function_name=xdr.SCSymbol(b"transfer"),
        args=[
            scval.to_address(source),
            scval.to_address(destination),
            scval.to_int128(amount.stroops),
        ],
    )


ANY_SALT: Alternatives = ()
_SALT_BYTES = 32
