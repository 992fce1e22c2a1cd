"""Addresses as texts and as XDR, each converted once: the checksums of texts cost the most here.

The XDR values are shared and must not be changed.
"""

from functools import lru_cache

from stellar_sdk import Address, xdr

_KNOWN_MAX = 65_536


@lru_cache(_KNOWN_MAX)
def sc_address(address: str) -> xdr.SCAddress:
    """An account or contract as XDR. Raises `ValueError` if the text is no address."""
    return Address(address).to_xdr_sc_address()


@lru_cache(_KNOWN_MAX)
def address_value(address: str) -> xdr.SCVal:
    """An address as a contract value."""
    return xdr.SCVal(xdr.SCValType.SCV_ADDRESS, address=sc_address(address))


def address_text(address: xdr.SCAddress) -> str:
    """The text of an address: `G...` or `C...`. Raises `ValueError` for other kinds."""
    if address.account_id is not None and address.account_id.account_id.ed25519 is not None:
        return _text("account", address.account_id.account_id.ed25519.uint256)
    if address.contract_id is not None:
        return _text("contract", address.contract_id.contract_id.hash)
    raise ValueError("neither an account nor a contract")


@lru_cache(_KNOWN_MAX)
def _text(kind: str, raw: bytes) -> str:
    make = Address.from_raw_account if kind == "account" else Address.from_raw_contract
    return make(raw).address
