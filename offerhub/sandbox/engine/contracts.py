"""What the ledger engine and a contract runtime owe each other.

The engine executes no WebAssembly: it hands a contract call to a `ContractRuntime` written in Python,
lets it read and write through a `Host`, and keeps or undoes all of it with the operation. The call to
the USDC asset contract itself (SAC `transfer`, `balance`) never reaches the runtime: the engine has it.
"""

from typing import Protocol

from stellar_sdk import xdr

# Error numbers of the Stellar Asset Contract that callers distinguish.
SAC_NEGATIVE_AMOUNT = 8
SAC_BALANCE = 10
SAC_TRUSTLINE_MISSING = 13


class ContractTrap(Exception):
    """A contract call ended with an error: the whole operation is undone and shows `function_trapped`.

    `code` is the contract error number. `token`: the asset contract raised it (SAC numbering)
    and not the called contract. An authorisation that is missing has code 0 and message "auth".
    """

    def __init__(self, contract_id: str, code: int, message: str, *, token: bool = False) -> None:
        self.contract_id = contract_id
        self.code = code
        self.message = message
        self.token = token
        super().__init__(f"contract {contract_id} trapped with {code}: {message}")


class Host(Protocol):
    """What a contract sees of the ledger during one call; every write is undone if the call traps."""

    @property
    def network_id(self) -> bytes:
        """SHA-256 of the passphrase."""

    @property
    def ledger_sequence(self) -> int:
        """The ledger that is being applied (for a dry run: the next one)."""

    @property
    def ledger_time(self) -> int:
        """Close time of that ledger, unix seconds (for a dry run: of the latest one)."""

    def load(self, contract_id: str) -> bytes | None:
        """Give a contract's stored state, None if no such contract exists."""

    def store(self, contract_id: str, data: bytes) -> None:
        """Replace a contract's state; a contract exists from its first store on."""

    def balance(self, address: str) -> int:
        """Give a USDC balance in stroops; 0 for a contract never paid or an account without trustline."""

    def transfer(self, source: str, destination: str, amount: int) -> None:
        """Move USDC (stroops) through its asset contract, recorded as an asset balance change.

        Traps with SAC codes: 8 below zero, 10 balance too small or limit passed, 13 no trustline.
        The issuer as source mints, as destination burns. Authorisation is not checked here: a contract
        that moves a caller's money calls `require_auth` first.
        """

    def require_auth(self, address: str) -> None:
        """Trap unless `address` authorised this call.

        That is: it is the operation's source and the envelope carries a source-account authorisation
        entry whose root is this very call, or it is the contract that is being called. A dry run
        records instead of checking, as a simulation on the real network does, and never traps here.
        """


class ContractRuntime(Protocol):
    """The contracts that exist on this network."""

    def invoke(self, host: Host, call: xdr.InvokeContractArgs, source: str) -> xdr.SCVal:
        """Execute one call and give its return value; `source` is the operation's source account.

        Raises ContractTrap (unknown contract and unknown function too); nothing else may be raised.
        """
