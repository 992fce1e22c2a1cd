"""What a release paid out, read from the chain: USDC of the configured issuer, and nothing else."""

from types import SimpleNamespace
from typing import Any

from actors.envelope_follower import EnvelopeFollower
from offerhub.domain.chain import PayoutSeen
from offerhub.domain.money import Money
from offerhub.providers.stellar.port import AssetTransfer, TransferOrigin

AMOUNT = Money.parse("7.00")


def transfer(**different: Any) -> AssetTransfer:
    usual: dict[str, Any] = {
        "operation_id": "1",
        "index": 0,
        "source": "CONTRACT",
        "destination": "GSELLER",
        "amount": AMOUNT,
        "asset_code": "USDC",
        "asset_issuer": "GISSUER",
        "origin": TransferOrigin.CONTRACT,
        "contract": "CONTRACT",
        "transaction_hash": "ab" * 32,
    }
    return AssetTransfer(**(usual | different))


async def test_only_usdc_of_the_configured_issuer_is_a_payout() -> None:
    """Anybody may issue an asset that is called USDC."""
    shown = [
        transfer(),
        transfer(index=1, asset_issuer="GSOMEBODY"),
        transfer(index=2, asset_code="EURC"),
        transfer(index=3, asset_issuer=None),
        transfer(index=4, source=None),
        transfer(index=5, destination=None),
    ]

    async def transfers(_tx_hash: str) -> list[AssetTransfer]:
        return shown

    parts: Any = SimpleNamespace(
        network=SimpleNamespace(transfers=transfers),
        rules=SimpleNamespace(usdc_code="USDC", usdc_issuer="GISSUER"),
    )
    moves: Any = None
    seen = await EnvelopeFollower(parts, moves)._payouts("ab" * 32)
    assert (PayoutSeen("CONTRACT", "GSELLER", AMOUNT),) == seen
