"""The whole stand-in: one chain, and the faces of Horizon, Trustless Work and the control on it."""

from pathlib import Path
from types import TracebackType
from typing import Self

from offerhub.domain.ids import Clock, RandomBytes
from offerhub.sandbox.constants import (
    ESCROW_WASM_HASH,
    FACTORY_CONTRACT_ID,
    FEE_ADDRESS,
    FRIENDBOT_ADDRESS,
    ISSUER_ADDRESS,
    SANDBOX_PASSPHRASE,
    TRUSTLESS_WORK_API_KEY,
    USDC_CONTRACT_ID,
)
from offerhub.sandbox.control import ControlFace
from offerhub.sandbox.engine import Engine, EngineShell
from offerhub.sandbox.escrow.face import FaceSettings, TrustlessWorkFace, Twist
from offerhub.sandbox.escrow.index import EscrowIndex
from offerhub.sandbox.escrow.planning import Network
from offerhub.sandbox.escrow.runtime import EscrowContracts
from offerhub.sandbox.faucet import Faucet
from offerhub.sandbox.fault_effects import apply_fault
from offerhub.sandbox.fault_plan import FaultPlan
from offerhub.sandbox.genesis import open_fee_account
from offerhub.sandbox.horizon import HorizonFace, HorizonKnobs
from offerhub.sandbox.http import Request, Response
from offerhub.sandbox.ledger_clock import LedgerClock

DEFAULT_FACE_SETTINGS = FaceSettings(api_key=TRUSTLESS_WORK_API_KEY)


class Sandbox:
    """Answers requests from one chain; closes no ledger unless `close_ledgers` runs or someone asks.

    Everything that happens follows from the clock, the randomness and the requests that it is given:
    under Trio's mock clock, without a socket, a run repeats itself.
    """

    def __init__(
        self,
        *,
        database_path: Path | None,
        clock: Clock,
        random_bytes: RandomBytes,
        ledger_seconds: float = 5.0,
        face_settings: FaceSettings = DEFAULT_FACE_SETTINGS,
        horizon_knobs: HorizonKnobs | None = None,
    ) -> None:
        """Load the chain from the SQLite file, or begin it; `database_path` None keeps it in memory.

        `ledger_seconds` only says to Horizon's face how often to expect a ledger.
        """
        runtime = EscrowContracts(
            factory=FACTORY_CONTRACT_ID,
            wasm_hash=ESCROW_WASM_HASH,
            usdc_contract=USDC_CONTRACT_ID,
        )
        self._clock = clock
        self.engine = Engine(
            passphrase=SANDBOX_PASSPHRASE,
            friendbot=FRIENDBOT_ADDRESS,
            issuer=ISSUER_ADDRESS,
            runtime=runtime,
            genesis_time=clock(),
            ledger_seconds=ledger_seconds,
            path=database_path,
        )
        self.shell = EngineShell(self.engine)
        open_fee_account(self.shell, clock())
        self._index = EscrowIndex(database_path)
        self.ledgers = LedgerClock(self.shell, clock)
        self.faults = FaultPlan(random_bytes)
        self._control = ControlFace(
            faucet=Faucet(self.shell, clock), ledgers=self.ledgers, faults=self.faults
        )
        self._trustless_work = TrustlessWorkFace(
            shell=self.shell,
            index=self._index,
            network=Network(
                passphrase=SANDBOX_PASSPHRASE,
                factory=FACTORY_CONTRACT_ID,
                wasm_hash=ESCROW_WASM_HASH,
                fee_address=FEE_ADDRESS,
                usdc_issuer=ISSUER_ADDRESS,
                usdc_contract=USDC_CONTRACT_ID,
            ),
            clock=clock,
            random_bytes=random_bytes,
            settings=face_settings,
        )
        self._horizon = HorizonFace(self.shell, clock, knobs=horizon_knobs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the SQLite file; whatever was in a closed ledger stays."""
        self._index.close()
        self.engine.close()

    async def handle(self, request: Request) -> Response:
        """Answer one request, under a fault if one is ordered for it.

        Raises `ConnectionDropped` if the client is to see no answer. Cancelled, an envelope that was
        handed in may be applied all the same, as on the real network.
        """
        path = request.path
        if self._control.serves(request.method, path) and path != "/faucet":
            return await self._control.handle(request)
        fault = self.faults.draw(request.method, path)
        if fault is None:
            return await self._answer(request, Twist())
        horizon = not self._trustless_work.serves(path)
        return await apply_fault(fault, request, self._answer, horizon=horizon)

    async def close_ledgers(self, ledger_seconds: float) -> None:
        """Close a ledger every `ledger_seconds` until cancelled; see `LedgerClock`."""
        await self.ledgers.run(ledger_seconds)

    async def _answer(self, request: Request, twist: Twist) -> Response:
        if self._control.serves(request.method, request.path):
            return await self._control.handle(request)
        if self._trustless_work.serves(request.path):
            return await self._trustless_work.handle(request, twist)
        return await self._horizon.handle(request)
