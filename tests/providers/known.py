"""Accounts, terms, rules and envelopes that the tests of the providers share."""

import hashlib
from datetime import UTC, datetime, timedelta

from stellar_sdk import Account, Address, Keypair, StrKey, TransactionBuilder, scval, xdr

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
from offerhub.providers.stellar.port import NetworkState
from offerhub.providers.stellar.rules import SigningRules

PASSPHRASE = "A network of the tests ; 2026"
NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
SEQUENCE = 4_294_967_297
MAX_TIME = NOW + timedelta(seconds=300)


def keypair(name: str) -> Keypair:
    return Keypair.from_raw_ed25519_seed(hashlib.sha256(name.encode()).digest())


def address(name: str) -> str:
    return keypair(name).public_key


def contract(name: str) -> str:
    return StrKey.encode_contract(hashlib.sha256(name.encode()).digest())


RULES = SigningRules(
    passphrase=PASSPHRASE,
    usdc_code="USDC",
    usdc_issuer=address("issuer"),
    factory=contract("factory"),
    wasm_hash=hashlib.sha256(b"wasm").hexdigest(),
    fee_address=address("fee"),
)
NETWORK = NetworkState(
    passphrase=PASSPHRASE, latest_ledger=100, elder_ledger=1, latest_closed_at=NOW
)
TERMS = EscrowTerms(
    engagement_id="ord_123",
    title="Order ord_123",
    description="An order of the marketplace",
    approver=address("buyer"),
    service_provider=address("seller"),
    platform=address("platform"),
    release_signer=address("buyer"),
    dispute_resolver=address("platform"),
    receiver=address("seller"),
    amount=Money.parse("80.00"),
    platform_fee_bps=50,
    milestones=("Draft", "Delivery"),
    usdc_issuer=address("issuer"),
)
ESCROW = contract("escrow")
SALT = hashlib.sha256(b"salt").digest()

DEPLOY = DeployEscrow(signer=address("channel"), terms=TERMS)
FUND = FundEscrow(contract_id=ESCROW, signer=address("buyer"), amount=TERMS.amount, terms=TERMS)
STATUS = ChangeMilestoneStatus(
    contract_id=ESCROW,
    index=1,
    status="completed",
    evidence="",
    service_provider=address("seller"),
)
APPROVE = ApproveMilestone(contract_id=ESCROW, index=1, approver=address("buyer"))
RELEASE = ReleaseFunds(contract_id=ESCROW, release_signer=address("buyer"))
DISPUTE = DisputeEscrow(contract_id=ESCROW, signer=address("seller"))
RESOLVE = ResolveDispute(
    contract_id=ESCROW,
    dispute_resolver=address("platform"),
    distributions=(
        Distribution(address("seller"), Money.parse("50.00")),
        Distribution(address("buyer"), Money.parse("30.00")),
    ),
    surplus=Money(7),
)


def escrow_map(terms: EscrowTerms) -> xdr.SCVal:
    """The record as the specification's table writes it, spelled out once more."""
    return scval.to_struct(
        {
            "amount": scval.to_int128(terms.amount.stroops),
            "description": scval.to_string(terms.description),
            "engagement_id": scval.to_string(terms.engagement_id),
            "flags": scval.to_struct(
                {
                    "disputed": scval.to_bool(False),
                    "released": scval.to_bool(False),
                    "resolved": scval.to_bool(False),
                }
            ),
            "milestones": scval.to_vec(
                [
                    scval.to_struct(
                        {
                            "approved": scval.to_bool(False),
                            "description": scval.to_string(description),
                            "evidence": scval.to_string(""),
                            "status": scval.to_string("pending"),
                        }
                    )
                    for description in terms.milestones
                ]
            ),
            "platform_fee": scval.to_uint32(terms.platform_fee_bps),
            "receiver_memo": scval.to_uint32(0),
            "roles": scval.to_struct(
                {
                    "approver": scval.to_address(terms.approver),
                    "dispute_resolver": scval.to_address(terms.dispute_resolver),
                    "platform": scval.to_address(terms.platform),
                    "receiver": scval.to_address(terms.receiver),
                    "release_signer": scval.to_address(terms.release_signer),
                    "service_provider": scval.to_address(terms.service_provider),
                }
            ),
            "title": scval.to_string(terms.title),
            "trustline": scval.to_struct({"address": scval.to_address(RULES.usdc_contract)}),
        }
    )


def distribution_map(amounts: dict[str, Money]) -> xdr.SCVal:
    """Recipients and gross amounts, in the order of the addresses' bytes as the network wants it."""
    in_order = sorted(amounts, key=lambda to: Keypair.from_public_key(to).raw_public_key())
    return xdr.SCVal(
        xdr.SCValType.SCV_MAP,
        map=xdr.SCMap(
            [
                xdr.SCMapEntry(scval.to_address(to), scval.to_int128(amounts[to].stroops))
                for to in in_order
            ]
        ),
    )


def call_of(intent: EscrowIntent) -> tuple[str, str, list[xdr.SCVal]]:
    """Contract, function and arguments of an intent, as a provider composes them."""
    match intent:
        case DeployEscrow():
            return (
                RULES.factory,
                "tw_new_single_release_escrow",
                [
                    scval.to_address(intent.signer),
                    scval.to_bytes(bytes.fromhex(RULES.wasm_hash)),
                    scval.to_bytes(SALT),
                    scval.to_symbol("initialize_escrow"),
                    scval.to_vec([escrow_map(intent.terms)]),
                    scval.to_vec([]),
                ],
            )
        case FundEscrow():
            return (
                intent.contract_id,
                "fund_escrow",
                [
                    scval.to_address(intent.signer),
                    escrow_map(intent.terms),
                    scval.to_int128(intent.amount.stroops),
                ],
            )
        case ChangeMilestoneStatus():
            return (
                intent.contract_id,
                "change_milestone_status",
                [
                    scval.to_int128(intent.index),
                    scval.to_string(intent.status),
                    scval.to_string(intent.evidence),
                    scval.to_address(intent.service_provider),
                ],
            )
        case ApproveMilestone():
            return (
                intent.contract_id,
                "approve_milestone",
                [scval.to_int128(intent.index), scval.to_address(intent.approver)],
            )
        case ReleaseFunds():
            return (
                intent.contract_id,
                "release_funds",
                [scval.to_address(intent.release_signer), scval.to_address(address("fee"))],
            )
        case DisputeEscrow():
            return (intent.contract_id, "dispute_escrow", [scval.to_address(intent.signer)])
        case ResolveDispute():
            return (
                intent.contract_id,
                "resolve_dispute",
                [
                    scval.to_address(intent.dispute_resolver),
                    scval.to_address(address("fee")),
                    distribution_map({each.address: each.amount for each in intent.whole}),
                ],
            )


def invocation(
    contract_id: str,
    function: str,
    arguments: list[xdr.SCVal],
    below: list[xdr.SorobanAuthorizedInvocation] | None = None,
) -> xdr.SorobanAuthorizedInvocation:
    return xdr.SorobanAuthorizedInvocation(
        function=xdr.SorobanAuthorizedFunction(
            xdr.SorobanAuthorizedFunctionType.SOROBAN_AUTHORIZED_FUNCTION_TYPE_CONTRACT_FN,
            contract_fn=xdr.InvokeContractArgs(
                contract_address=Address(contract_id).to_xdr_sc_address(),
                function_name=xdr.SCSymbol(function.encode()),
                args=arguments,
            ),
        ),
        sub_invocations=below or [],
    )


def transfer(source: str, destination: str, amount: Money) -> xdr.SorobanAuthorizedInvocation:
    return invocation(
        RULES.usdc_contract,
        "transfer",
        [
            scval.to_address(source),
            scval.to_address(destination),
            scval.to_int128(amount.stroops),
        ],
    )


def provider_envelope(intent: EscrowIntent, *, sequence: int = SEQUENCE) -> str:
    """A good envelope of an intent, as the provider returns it (docs/spec/trustless-work.md §2.2)."""
    contract_id, function, arguments = call_of(intent)
    below = (
        [transfer(intent.signer, intent.contract_id, intent.amount)]
        if isinstance(intent, FundEscrow)
        else []
    )
    builder = TransactionBuilder(Account(intent.source, sequence - 1), PASSPHRASE, base_fee=1_000)
    builder.append_invoke_contract_function_op(
        contract_id,
        function,
        arguments,
        auth=[
            xdr.SorobanAuthorizationEntry(
                credentials=xdr.SorobanCredentials(
                    xdr.SorobanCredentialsType.SOROBAN_CREDENTIALS_SOURCE_ACCOUNT
                ),
                root_invocation=invocation(contract_id, function, arguments, below),
            )
        ],
    )
    builder.add_time_bounds(0, int(MAX_TIME.timestamp()))
    builder.set_soroban_data(
        xdr.SorobanTransactionData(
            ext=xdr.SorobanTransactionDataExt(0),
            resources=xdr.SorobanResources(
                footprint=xdr.LedgerFootprint(read_only=[], read_write=[]),
                instructions=xdr.Uint32(2_000_000),
                disk_read_bytes=xdr.Uint32(1_000),
                write_bytes=xdr.Uint32(1_000),
            ),
            resource_fee=xdr.Int64(34_757),
        )
    )
    envelope = builder.build()
    envelope.transaction.fee = 69_619
    return envelope.to_xdr()
