"""The few XDR values that results carry, packed by hand."""

import struct

from stellar_sdk import StrKey

from offerhub.sandbox.engine.entries import Asset


def account_bytes(address: str) -> bytes:
    """Pack an AccountID."""
    return struct.pack(">i", 0) + StrKey.decode_ed25519_public_key(address)


def asset_bytes(asset: Asset | None) -> bytes:
    """Pack an Asset; None is XLM."""
    if asset is None:
        return struct.pack(">i", 0)
    code = asset.code.encode()
    kind, width = (1, 4) if len(code) <= 4 else (2, 12)
    return struct.pack(">i", kind) + code.ljust(width, b"\0") + account_bytes(asset.issuer)
