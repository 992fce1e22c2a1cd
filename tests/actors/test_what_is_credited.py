"""What of a page of the network's payments may be credited: USDC of our issuer that has arrived."""

from types import SimpleNamespace
from typing import Any

import pytest

from actors.watcher import ChainWatcher
from offerhub.providers.stellar.port import PaymentRecord
from tests.actors.test_payouts_seen import transfer


class _Looked(Exception):
    """What the watcher would have credited."""


@pytest.mark.parametrize(
    ("different", "successful", "credited"),
    [
        ({}, True, 1),
        ({}, False, 0),
        ({"asset_issuer": "GSOMEBODY"}, True, 0),
        ({"asset_issuer": None}, True, 0),
        ({"asset_code": "EURC"}, True, 0),
    ],
)
async def test_only_usdc_of_our_issuer_that_arrived_is_credited(
    different: dict[str, Any], successful: bool, credited: int
) -> None:
    parts: Any = SimpleNamespace(usdc_code="USDC", usdc_issuer="GISSUER")
    watcher = ChainWatcher(parts)

    async def known(arrivals: list[Any]) -> Any:
        raise _Looked(len(arrivals))

    watcher._known = known  # type: ignore[method-assign]  # stops before anything is booked
    record: Any = PaymentRecord.__new__(PaymentRecord)
    for name, value in {"successful": successful, "transfers": (transfer(**different),)}.items():
        object.__setattr__(record, name, value)
    page: Any = SimpleNamespace(records=(record,), cursor="1", full=False)
    with pytest.raises(_Looked) as looked:
        await watcher._work("0", page)
    assert (credited,) == looked.value.args
