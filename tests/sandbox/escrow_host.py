"""A ledger in a dictionary: enough of `Host` to run contracts without an engine."""

import hashlib

from attrs import define, field
from stellar_sdk import Address, Keypair, scval, xdr

from offerhub.sandbox import constants
from offerhub.sandbox.engine.contracts import ContractTrap
from offerhub.sandbox.escrow.encoding import escrow_from_bytes, escrow_to_scval
from offerhub.sandbox.escrow.record import Escrow, Milestone, Roles
from offerhub.sandbox.escrow.runtime import EscrowContracts

UNIT = 10_000_000


def party(name: str) -> str:
    return Keypair.from_raw_ed25519_seed(hashlib.sha256(name.encode()).digest()).public_key


BUYER, SELLER, PLATFORM, STRANGER = map(party, ("buyer", "seller", "platform", "stranger"))


@define
class DictHost:
    """Balances of accounts that are not in `balances` have no trustline."""

    balances: dict[str, int] = field(factory=dict)
    records: dict[str, bytes] = field(factory=dict)
    signer: str = ""
    network_id: bytes = constants.NETWORK_ID
    ledger_sequence: int = 2
    ledger_time: int = 1_800_000_000

    def load(self, contract_id: str) -> bytes | None:
        return self.records.get(contract_id)

    def store(self, contract_id: str, data: bytes) -> None:
        self.records[contract_id] = data

    def balance(self, address: str) -> int:
        return self.balances.get(address, 0)

    def transfer(self, source: str, destination: str, amount: int) -> None:
        if destination.startswith("G") and destination not in self.balances:
            raise ContractTrap("usdc", 13, "trustline missing", token=True)
        self.balances[source] -= amount
        self.balances[destination] = self.balance(destination) + amount

    def require_auth(self, address: str) -> None:
        if address != self.signer:
            raise ContractTrap("called", 0, "auth")


def contracts() -> EscrowContracts:
    return EscrowContracts(
        factory=constants.FACTORY_CONTRACT_ID,
        wasm_hash=constants.ESCROW_WASM_HASH,
        usdc_contract=constants.USDC_CONTRACT_ID,
    )


def record(**changes: object) -> Escrow:
    values: dict[str, object] = {
        "engagement_id": "ord_1",
        "title": "A logo",
        "description": "Three drafts",
        "roles": Roles(
            approver=BUYER,
            dispute_resolver=PLATFORM,
            platform=PLATFORM,
            receiver=SELLER,
            release_signer=BUYER,
            service_provider=SELLER,
        ),
        "amount_stroops": 80 * UNIT,
        "platform_fee_bps": 0,
        "milestones": (Milestone("first"), Milestone("second")),
        "trustline": constants.USDC_CONTRACT_ID,
    }
    return Escrow(**(values | changes))  # type: ignore[arg-type]


def call(host: DictHost, contract_id: str, function: str, *arguments: xdr.SCVal) -> xdr.SCVal:
    invocation = xdr.InvokeContractArgs(
        contract_address=Address(contract_id).to_xdr_sc_address(),
        function_name=xdr.SCSymbol(function.encode()),
        args=list(arguments),
    )
    return contracts().invoke(host, invocation, host.signer)


def deploy_arguments(escrow: Escrow, salt: bytes = b"s" * 32) -> list[xdr.SCVal]:
    return [
        scval.to_address(BUYER),
        scval.to_bytes(bytes.fromhex(constants.ESCROW_WASM_HASH)),
        scval.to_bytes(salt),
        scval.to_symbol("initialize_escrow"),
        scval.to_vec([escrow_to_scval(escrow)]),
        scval.to_vec([]),
    ]


def deploy(host: DictHost, escrow: Escrow, salt: bytes = b"s" * 32) -> str:
    host.signer = BUYER
    value = call(
        host,
        constants.FACTORY_CONTRACT_ID,
        "tw_new_single_release_escrow",
        *deploy_arguments(escrow, salt),
    )
    return scval.from_address(value).address


def stored(host: DictHost, contract_id: str) -> Escrow:
    return escrow_from_bytes(host.records[contract_id])
